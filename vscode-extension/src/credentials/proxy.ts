/** VS Code's own proxy, for those who set none for the gateway. */

import type { ServerSettings } from "../server/settingNames";

/** What the settings `http.*` say, at the level of the person. */
export interface EditorsProxy {
  readonly proxy: string | undefined;
  readonly noProxy: readonly string[] | undefined;
  readonly proxySupport: string | undefined;
}

/** Settings that name the editor's proxy, unless they name one, or the editor uses none. */
export function withProxy(settings: ServerSettings, { proxy, noProxy, proxySupport }: EditorsProxy): ServerSettings {
  const { network } = settings as { network?: { proxy?: unknown } };
  if (!proxy || proxySupport === "off" || network?.proxy !== undefined) return settings;
  const reached = noProxy && noProxy.length > 0 ? { no_proxy: [...noProxy] } : {};
  return { ...settings, network: { ...reached, ...network, proxy } };
}
