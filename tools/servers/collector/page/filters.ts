import { make } from "./dom.ts";
import { FILTER_NAMES } from "./filter-text.ts";
import type { Link } from "./lines.ts";
import { FILTERS, type State } from "./state.ts";

/** Shows what is narrowed down; each part can be taken away. */
export function showFilters(place: HTMLElement, state: State, link: Link): void {
  const chips = FILTERS.filter((name) => state[name] !== "").map((name) =>
    chip(`${FILTER_NAMES[name]} ${state[name]}`, link({ [name]: "" })),
  );
  if (state.at > 0) chips.push(chip("one moment", link({ at: 0 })));
  if (state.compare > 0) chips.push(chip("compared", link({ compare: 0 })));
  place.replaceChildren(...chips);
}

function chip(text: string, href: string): HTMLElement {
  const label = `Take away: ${text}`;
  return make(
    "a",
    { class: "chip", href, "aria-label": label, title: label },
    text,
    make("i", { "aria-hidden": "true" }, "×"),
  );
}
