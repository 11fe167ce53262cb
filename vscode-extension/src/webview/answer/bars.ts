/** Lines above the conversation and above the place to type in. */

import { h, refill } from "../shared/dom";
import { icon } from "../shared/icons";
import type { Banner, Strings, ToHost } from "./messages";

/** What is true of the whole view, such as that nothing leaves this machine. */
export class BannerBar {
  readonly element = h("div.banner", { role: "region", hidden: true });

  constructor(private readonly post: (message: ToHost) => void) {}

  show(banner: Banner | null): void {
    this.element.hidden = banner === null;
    if (!banner) return;
    this.element.setAttribute("aria-label", banner.text);
    refill(
      this.element,
      h("p", {}, banner.text),
      h(
        "div.offers",
        {},
        ...banner.offers.map(({ label, command, argument, isOn }) =>
          h(
            "button.offer",
            {
              type: "button",
              "aria-pressed": isOn === undefined ? undefined : String(isOn),
              onclick: () => this.post({ kind: "run", command, argument }),
            },
            isOn === true && icon("check"),
            label,
          ),
        ),
      ),
    );
  }
}

/** What came of something that the person did, where it is not seen otherwise. */
export class NoticeBar {
  readonly element: HTMLElement;
  private readonly text = h("span");

  constructor(strings: Strings) {
    const close = h(
      "button.tool",
      { type: "button", title: strings.dismiss, "aria-label": strings.dismiss, onclick: () => this.show("") },
      icon("close"),
    );
    this.element = h("div.notice", { role: "status", hidden: true }, icon("alert"), this.text, close);
  }

  show(text: string): void {
    this.element.hidden = text === "";
    this.text.textContent = text;
  }
}
