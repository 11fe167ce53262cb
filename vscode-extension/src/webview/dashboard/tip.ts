/** What a part of a picture tells, beside it, while it is pointed at or has the focus. */

import { h } from "../shared/dom";

const GAP = 6;

/** Show tips for everything in the page that has `data-tip`. */
export function showTips(): HTMLElement {
  const tip = h("div.tip", { role: "tooltip", "aria-hidden": "true", hidden: true });
  const show = (event: Event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    tip.hidden = target === null;
    if (target !== null) place(tip, target);
  };
  const hide = () => {
    tip.hidden = true;
  };
  for (const name of ["pointerover", "focusin"]) document.addEventListener(name, show);
  for (const name of ["pointerleave", "focusout", "scroll"]) document.addEventListener(name, hide, { capture: true });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  return tip;
}

function place(tip: HTMLElement, target: Element): void {
  tip.textContent = target.getAttribute("data-tip");
  const about = target.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const middle = about.left + about.width / 2 - width / 2;
  const above = about.top - height - GAP;
  tip.style.left = `${Math.max(GAP, Math.min(middle, window.innerWidth - width - GAP))}px`;
  tip.style.top = `${above >= 0 ? above : about.bottom + GAP}px`;
}
