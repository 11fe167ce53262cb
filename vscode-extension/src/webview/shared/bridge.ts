/** The way to the extension and back, with messages of known types. */

interface Host {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): Host;

export interface Bridge<ToHost> {
  post(message: ToHost): void;
}

/** Connect the page; messages of the extension go to `receive`. To be called once. */
export function connect<ToHost, ToView>(receive: (message: ToView) => void): Bridge<ToHost> {
  const host = acquireVsCodeApi();
  window.addEventListener("message", (event: MessageEvent<ToView>) => receive(event.data));
  return { post: (message) => host.postMessage(message) };
}
