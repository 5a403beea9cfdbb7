// Runs once in the desk, where `element` is the desk and `trigger` sends an event to the server.
let opener = null;
let wanted = null; // the place that was asked for last
let again = null; // the place that was asked for twice, because another came later

const narrow = matchMedia("(max-width: 860px)");

// On a small screen the desk covers the rest, which then takes no focus.
const cover = () => {
  for (const name of ["#talk", "#masthead"])
    document.querySelector(name).inert = narrow.matches && document.body.classList.contains("reading");
};
narrow.addEventListener("change", cover);

const reading = (on) => {
  document.body.classList.toggle("reading", on);
  cover();
};

const close = () => {
  reading(false);
  if (opener && opener.isConnected) opener.focus();
};

const ask = (place) => trigger("click", { place });
const other = () => element.querySelector(".sheet").dataset.place !== wanted; // lies on the desk

// Into the question box, to be changed there.
const write = (question) => {
  const box = document.querySelector("#question textarea");
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, question);
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
};

document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest("a.place");
    if (link) {
      event.preventDefault();
      event.stopPropagation();
      wanted = link.getAttribute("href");
      again = null;
      opener = link.closest("#desk") ? document.querySelector(`#conversation a.place[href="${wanted}"]`) : link;
      document.querySelectorAll("a.place.open").forEach((other) => other.classList.remove("open"));
      document.querySelectorAll(`a.place[href="${wanted}"]`).forEach((same) => same.classList.add("open"));
      element.setAttribute("aria-busy", "true");
      ask(wanted);
      return;
    }
    const example = event.target.closest("button.example");
    if (example) trigger("select", { question: example.textContent });
    const readAs = event.target.closest("button.change");
    if (readAs) write(readAs.parentElement.querySelector("bdi").textContent);
    if (event.target.closest("#desk .close")) close();
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const list = element.querySelector(".all[open]");
  if (event.key === "Escape" && list) {
    list.open = false;
    list.querySelector("summary").focus();
  } else if (event.key === "Escape" && (narrow.matches || element.contains(document.activeElement)))
    if (document.body.classList.contains("reading")) close();
});

document.addEventListener("article-qa:placed", () =>
  requestAnimationFrame(() => {
    element.removeAttribute("aria-busy");
    reading(true);
    trail(true);
    if (other() && again !== wanted) return setTimeout(() => other() && ask((again = wanted)), 500);
    const text = element.querySelector(".text");
    if (!text) return;
    const mark = element.querySelector("#cited");
    const room = text.clientHeight - (mark ? mark.offsetHeight : 0);
    text.scrollTop = mark
      ? text.scrollTop + mark.getBoundingClientRect().top - text.getBoundingClientRect().top - Math.max(room / 3, 16)
      : 0;
    (mark || element.querySelector("h2")).focus({ preventScroll: true });
  }),
);

for (const left of ["article-qa:cleared", "article-qa:opened"])
  document.addEventListener(left, () => {
    wanted = null;
    reading(false);
    trail(true);
  });

const said = (text) => {
  const button = document.querySelector("#copy");
  button.textContent = text;
  setTimeout(() => (button.textContent = "Copy with citations"), 2000);
};

// A page that came without encryption from another machine has no clipboard but the old way.
const copied = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  document.querySelector("#copy").focus();
  if (!done) throw new Error("forbidden");
};

document.addEventListener("article-qa:parcel", ({ detail }) => {
  if (detail.copy !== undefined) {
    copied(detail.copy).then(() => said("Copied"), () => said("The browser forbids copying"));
    return;
  }
  const bytes = Uint8Array.from(atob(detail.data), (character) => character.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = detail.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
});

// Gradio labels each message with its HTML, which would be read aloud in place of the text.
new MutationObserver(() =>
  document.querySelectorAll("#conversation [data-testid][aria-label]").forEach((said) => said.removeAttribute("aria-label")),
).observe(document.body, { childList: true, subtree: true, attributeFilter: ["aria-label"] });
