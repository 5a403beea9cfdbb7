// Runs once in the library's panel, where `trigger` sends an event to the server and `upload` a file.
const panel = element.querySelector("#shelf-panel");
const at = (name) => panel.querySelector(name);
const [lines, status, search, body, more, files, url] =
  [".lines", ".told", ".search", "tbody", ".more", ".files", ".url"].map(at);
const kinds = panel.dataset.kinds.split(" ");
const size = Number(panel.dataset.size);

let asked = 0; // counts what was sent
let newest = 0; // the last list that was asked for
let limit = 0;
let order = { by: "title", down: false };
let within = ""; // the filter that holds, as the server reads it
let sources = ""; // what there is to choose from
let opener = null;
const waiting = new Map();

const send = (what, event = "submit") =>
  new Promise((then) => {
    asked += 1;
    waiting.set(asked, then);
    trigger(event, { ...what, n: asked });
  });

document.addEventListener("article-qa:shelf", ({ detail }) => {
  const then = waiting.get(detail.n);
  waiting.delete(detail.n);
  if (then) then(detail);
});

// The server does not answer: nothing may wait for it for ever.
document.addEventListener("article-qa:shelf-lost", () => {
  const told = "The page got no answer; load it again, and log in if you are asked to.";
  for (const then of waiting.values()) then({ ok: false, told });
  waiting.clear();
});

const ticked = () => [...panel.querySelectorAll(".choices input:checked")].map((box) => box.value);
const blank = () => {
  panel.querySelectorAll(".choices input").forEach((box) => (box.checked = false));
  panel.querySelectorAll("input[type=date]").forEach((box) => (box.value = ""));
};

const list = async (opening = false) => {
  const mine = (newest += 1);
  body.parentElement.setAttribute("aria-busy", "true");
  const found = await send({ do: "list", search: search.value, limit, within, ...order });
  if (mine !== newest) return;
  body.parentElement.removeAttribute("aria-busy");
  if (found.rows !== undefined) {
    body.innerHTML = found.rows;
    if (opening || found.sources !== sources) {
      const chosen = ticked(); // not yet asked for
      at(".choices").innerHTML = sources = found.sources;
      if (!opening) panel.querySelectorAll(".choices input").forEach((box) => (box.checked = chosen.includes(box.value)));
    }
    more.hidden = !found.more;
  }
  panel.querySelectorAll("th[data-by]").forEach((head) => {
    if (head.dataset.by === order.by) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  status.textContent = found.told;
};

const changed = async () => {
  trigger("change");
  await list();
};

// A line for what is being done; its text says how far it is.
const line = (name, text) => {
  const item = document.createElement("li");
  const said = Object.assign(document.createElement("span"), { className: "said", textContent: text });
  if (name) item.append(Object.assign(document.createElement("bdi"), { textContent: name }), ": ");
  item.append(said);
  item.className = "doing";
  lines.prepend(item);
  return (told, how) => {
    said.textContent = told;
    if (how) item.className = how;
  };
};

const refusal = (file) => {
  const ending = file.name.includes(".") ? `.${file.name.split(".").pop().toLowerCase()}` : "";
  if (!kinds.includes(ending)) return `Is no kind of file that is read; convert it to one of ${kinds.join(" ")}.`;
  if (file.size > size) return `Is larger than ${Math.floor(size / 2 ** 20)} MB; split it into several files.`;
  return file.size ? "" : "Is empty; remove it or add text.";
};

let queue = Promise.resolve(); // one file after another
const add = (chosen) => {
  const all = [...chosen].map((file) => [file, line(file.name, "Waiting…")]);
  let any = false;
  for (const [file, tell] of all)
    queue = queue.then(async () => {
      const no = refusal(file);
      if (no) return tell(no, "refused");
      try {
        tell("Sending…");
        const { path } = await upload(file);
        tell("Reading…");
        const done = await send({ do: "add", name: file.name, path });
        any = any || done.changed;
        tell(done.told, done.ok ? "done" : "refused");
      } catch {
        tell("Could not be sent; see whether the page still answers, and drop it again.", "refused");
      }
    });
  queue = queue.then(() => any && changed());
};

const fetchPage = async () => {
  const address = url.value.trim();
  if (!address) return url.focus();
  const tell = line(address, "Fetching…");
  url.value = "";
  const done = await send({ do: "url", url: address });
  tell(done.told.startsWith(`${address}: `) ? done.told.slice(address.length + 2) : done.told, done.ok ? "done" : "refused");
  if (done.changed) await changed();
};

const sync = async () => {
  const button = at(".sync");
  if (button.disabled) return;
  button.disabled = true;
  const tell = line("", "Reading the folder…");
  const watch = setInterval(async () => {
    const { ok, told } = await send({ do: "step" });
    if (button.disabled && ok !== false) tell(told);
  }, 700);
  const done = await send({ do: "sync" });
  clearInterval(watch);
  button.disabled = false;
  tell(done.told, done.ok ? "done" : "refused");
  if (done.changed) await changed();
};

const filter = async (wanted) => {
  const done = await send(wanted, "select");
  status.textContent = done.told;
  if (done.ok) within = wanted.sources || wanted.articles || wanted.since || wanted.until ? JSON.stringify(wanted) : "";
  return done.ok;
};

const everything = async () => {
  if (await filter({})) blank();
};

const open = (from) => {
  opener = from || document.activeElement;
  if (panel.open) return;
  panel.showModal();
  limit = 0;
  status.textContent = "Looking…";
  at(".choose").focus();
  list(true);
};

const shut = () => {
  panel.close();
  if (opener && opener.isConnected) opener.focus();
};

const ask = async (row) => {
  if (!(await filter({ articles: [row.dataset.id] }))) return;
  blank();
  panel.close();
  document.querySelector("#question textarea").focus();
};

const confirm = (row) => {
  const sure = Object.assign(document.createElement("span"), { className: "sure" });
  sure.innerHTML =
    '<span>Its file stays.</span><button type="button" class="yes">Remove</button><button type="button" class="no">Keep</button>';
  row.classList.add("leaving");
  row.querySelector("td.do").append(sure);
  sure.querySelector(".no").focus();
};

const spare = (row) => {
  row.querySelector(".sure").remove();
  row.classList.remove("leaving");
  row.querySelector(".remove").focus();
};

const change = async (row, what) => {
  const place = [...body.children].indexOf(row);
  const done = await send({ do: what, id: row.dataset.id });
  if (done.changed) await changed();
  status.textContent = done.told;
  (body.children[Math.min(place, body.children.length - 1)]?.querySelector("td.do button") || search).focus();
};

panel.addEventListener("click", (event) => {
  const on = (name) => event.target.closest(name);
  const row = on("tbody tr");
  if (event.target === panel || on("header .close")) shut();
  else if (on(".choose")) files.click();
  else if (on(".sync")) sync();
  else if (on(".all")) everything();
  else if (on(".sort")) {
    const by = on("th").dataset.by;
    order = { by, down: order.by === by && !order.down };
    list();
  } else if (on(".more")) {
    const last = body.children.length;
    limit = last + 100;
    list().then(() => body.children[last]?.querySelector("button")?.focus());
  } else if (on("button.only")) ask(row);
  else if (on(".remove")) confirm(row);
  else if (on(".yes")) change(row, "remove");
  else if (on(".no")) spare(row);
  else if (on(".restore")) change(row, "restore");
});

panel.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.matches(".fetch")) return fetchPage();
  filter({ sources: ticked(), since: at(".since").value, until: at(".until").value });
});

panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation(); // what is behind it stays as it is
  event.preventDefault();
  const leaving = event.target.closest("tr.leaving");
  if (leaving) spare(leaving);
  else shut();
});

files.addEventListener("change", () => {
  add(files.files);
  files.value = "";
});

let pause = 0;
search.addEventListener("input", () => {
  clearTimeout(pause);
  limit = 0;
  pause = setTimeout(() => list(), 150);
});

// Elsewhere on the page: the button on top, the greeting of an empty library, and the filter above the question box.
document.addEventListener("click", (event) => {
  const from = event.target.closest("#shelf-open, .welcome .fill");
  if (from) open(from);
  if (event.target.closest(".welcome .resync")) {
    open(event.target);
    sync();
  }
  if (event.target.closest("#chip .everything")) {
    everything();
    document.querySelector("#question textarea").focus();
  }
});

// Files may be dropped anywhere on the page.
const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
let leaving = 0;
for (const name of ["dragenter", "dragover"])
  document.addEventListener(name, (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    clearTimeout(leaving);
    document.body.classList.add("dropping");
  });
document.addEventListener("dragleave", () => {
  leaving = setTimeout(() => document.body.classList.remove("dropping"), 100);
});
document.addEventListener(
  "drop",
  (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    document.body.classList.remove("dropping");
    const dropped = [...event.dataTransfer.files];
    open();
    if (dropped.length) add(dropped);
  },
  true,
);
