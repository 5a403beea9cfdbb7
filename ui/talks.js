// Runs once in the panel of kept conversations, where `trigger` sends an event to the server.
const panel = element.querySelector("#talks-panel");
const search = panel.querySelector(".search");
const list = panel.querySelector(".list");
const status = panel.querySelector(".told");
const more = panel.querySelector(".more");

const address = () => new URLSearchParams(location.search).get("conversation") || "";

const go = (id, how) => {
  if (id === address()) return;
  const url = new URL(location);
  url.hash = "";
  if (id) url.searchParams.set("conversation", id);
  else url.searchParams.delete("conversation");
  history[how]({}, "", url);
};

let shown = address(); // the conversation that the page shows
let limit = 0;
let asked = 0; // counts what was sent, to tell the last list from one that comes late
const waiting = new Map();

const send = (what, then) => {
  asked += 1;
  waiting.set(asked, then);
  trigger("submit", { ...what, n: asked });
};

document.addEventListener("article-qa:told", ({ detail }) => {
  const then = waiting.get(detail.n);
  waiting.delete(detail.n);
  if (then) then(detail);
});

// The server does not answer: nothing may wait for it for ever.
document.addEventListener("article-qa:lost", () => {
  const told = "The page got no answer; load it again, and log in if you are asked to.";
  for (const then of waiting.values()) then({ done: false, told });
  waiting.clear();
});

const tell = (text) => {
  if (text) status.textContent = text;
};

const refresh = (then) => {
  const mine = asked + 1;
  list.setAttribute("aria-busy", "true");
  send({ do: "list", search: search.value, limit }, (found) => {
    if (mine < asked && [...waiting.values()].some((other) => other.lists)) return;
    list.removeAttribute("aria-busy");
    if (found.html === undefined) return tell(found.told);
    list.innerHTML = found.html;
    list.querySelectorAll("time").forEach((time) => {
      const when = new Date(time.dateTime);
      const today = when.toDateString() === new Date().toDateString();
      time.textContent = today
        ? `today, ${when.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`
        : when.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
    });
    more.hidden = !found.more;
    status.textContent = found.told;
    if (then) then();
  });
  waiting.get(mine).lists = true;
};

const shut = () => panel.open && panel.close();

document.addEventListener("click", (event) => {
  if (!event.target.closest("#talks-open")) return;
  search.value = "";
  limit = 0;
  list.innerHTML = "";
  status.textContent = "Looking…";
  panel.showModal();
  search.focus();
  refresh();
});

let pause = 0;
search.addEventListener("input", () => {
  clearTimeout(pause);
  limit = 0;
  pause = setTimeout(refresh, 150);
});

const open = (id) => {
  shown = id;
  trigger("select", { id });
};

const neighbour = (item) => (item.nextElementSibling || item.previousElementSibling)?.querySelector("a.open") || search;

const call = (item, name) => {
  item.querySelector(".title").textContent = name;
  item.querySelector(".rename").setAttribute("aria-label", `Rename ${name}`);
  item.querySelector(".delete").setAttribute("aria-label", `Delete ${name}`);
};

const rename = (item) => {
  const was = item.querySelector(".title").textContent;
  const box = Object.assign(document.createElement("input"), { className: "name", value: was, maxLength: 120 });
  box.setAttribute("aria-label", "New name");
  let over = false;
  const end = (keep, stay) => {
    if (over) return;
    over = true; // taking the box away makes it lose the focus once more
    const name = box.value.trim();
    box.remove();
    item.classList.remove("naming");
    if (stay) item.querySelector(".rename").focus();
    if (!keep || !name || name === was) return;
    call(item, name);
    send({ do: "rename", id: item.dataset.id, title: name }, (done) => {
      if (!done.done) call(item, was);
      tell(done.done ? "Renamed." : done.told);
    });
  };
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    end(event.key === "Enter", true);
  });
  box.addEventListener("blur", () => end(true));
  item.classList.add("naming");
  item.prepend(box);
  box.focus();
  box.select();
};

const confirm = (item) => {
  const sure = document.createElement("span");
  sure.className = "sure";
  sure.innerHTML =
    '<span>Delete it for good?</span><button type="button" class="yes">Delete</button><button type="button" class="no">Keep</button>';
  item.classList.add("leaving");
  item.append(sure);
  sure.querySelector(".no").focus();
};

const spare = (item) => {
  item.querySelector(".sure").remove();
  item.classList.remove("leaving");
  item.querySelector(".delete").focus();
};

const remove = (item) =>
  send({ do: "delete", id: item.dataset.id }, (done) => {
    tell(done.told);
    if (!done.done) return;
    if (item.dataset.id === shown) document.querySelector("#fresh").click();
    neighbour(item).focus();
    item.remove();
  });

panel.addEventListener("click", (event) => {
  const item = event.target.closest("li");
  const on = (name) => event.target.closest(name);
  if (event.target === panel || on("header .close")) shut();
  else if (on(".more")) {
    const last = list.children.length;
    limit = last + 50;
    refresh(() => list.children[last]?.querySelector("a.open").focus());
  } else if (on("a.open")) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
    event.preventDefault();
    shut();
    if (item.dataset.id === shown) return;
    go(item.dataset.id, "pushState");
    open(item.dataset.id);
  } else if (on(".rename")) rename(item);
  else if (on(".delete")) confirm(item);
  else if (on(".yes")) remove(item);
  else if (on(".no")) spare(item);
});

panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation(); // the article behind it stays open
  const leaving = event.target.closest("li.leaving");
  if (!leaving) return;
  event.preventDefault();
  spare(leaving);
});

// After an answer the page has the address of its conversation; it takes the place of the one without.
document.addEventListener("article-qa:talk", ({ detail }) => {
  if (!detail) return;
  shown = detail;
  go(detail, "replaceState");
});

document.addEventListener("article-qa:cleared", () => {
  shown = "";
  go("", "pushState");
});

document.addEventListener("article-qa:opened", () => {
  document.querySelector("#question textarea").focus();
});

window.addEventListener("popstate", () => {
  shut();
  if (address() !== shown) open(address());
});
