// The way through all citations of the conversation, on the desk. It is read off the page, so it is as new as that is.
let known = "";

const citations = () => [...document.querySelectorAll("#conversation a.source")];
const address = (link) => link.getAttribute("href");

const trail = (anew) => {
  const nav = element.querySelector(".trail");
  const shown = element.querySelector(".sheet")?.dataset.place;
  const all = citations();
  const now = [shown, ...all.map(address)].join();
  if (!nav || (!anew && now === known)) return;
  known = now;
  nav.hidden = !all.length && !shown;
  const here = all.findIndex((link) => address(link) === shown);
  const count = `${all.length} citation${all.length === 1 ? "" : "s"}`;
  nav.querySelector("#where").textContent =
    here >= 0 ? `Citation ${here + 1} of ${all.length}` : shown ? "A close sentence, not a citation" : count;
  const [back, on] = nav.querySelectorAll(".step");
  back.disabled = !all.length || here === 0;
  on.disabled = !all.length || here === all.length - 1;
  nav.querySelector(".all").hidden = nav.querySelector(".keys").hidden = !all.length;
  nav.querySelector(".list").replaceChildren(...grouped(all, shown));
};

// A heading for each article, and under it its sentences.
const grouped = (all, shown) => {
  const articles = new Map();
  all.forEach((link, n) => {
    const item = link.closest("li");
    const about = [".title", ".from"].map((name) => item.querySelector(name)?.textContent ?? "");
    const key = JSON.stringify(about);
    if (!articles.has(key)) articles.set(key, made("section", "", made("h3", "", ...about.filter(Boolean).map((text) => made("bdi", text)))));
    const place = made("a", "", made("span", `${n + 1}`), made("bdi", item.querySelector("blockquote").textContent));
    place.className = "place";
    place.href = address(link);
    if (address(link) === shown) place.setAttribute("aria-current", "true");
    articles.get(key).append(place);
  });
  return [...articles.values()];
};

const made = (tag, text, ...inner) => {
  const node = document.createElement(tag);
  node.append(...(text ? [text] : inner));
  return node;
};

const step = (by) => {
  const all = citations();
  const here = all.findIndex((link) => address(link) === wanted);
  (here < 0 ? all.at(by > 0 ? 0 : -1) : all[here + by])?.click();
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("#desk .step");
  if (button) step(Number(button.dataset.by));
});

document.addEventListener("keydown", (event) => {
  const by = { n: 1, p: -1 }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey || !element.contains(document.activeElement)) return;
  event.preventDefault();
  step(by);
});

let frame = 0;

new MutationObserver(() => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => trail(false));
}).observe(document.body, { childList: true, subtree: true });
