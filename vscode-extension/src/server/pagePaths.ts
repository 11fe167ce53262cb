/** Which files are pages of the server: it puts them into `answers` of its cache folder, or into a temporary folder. */

const FOLDERS = /(^|[\\/])(ai-gateway([\\/]Cache)?[\\/]answers|ai-gateway-answers-[^\\/]+)[\\/][^\\/]+\.md$/;
/** They are written to be copied, so their source is what people want. */
const DRAFT = /[\\/](pull-request|commit-message)-[^\\/]*$/;

/** Whether a file is a page to read. */
export function isPage(path: string): boolean {
  return FOLDERS.test(path) && !DRAFT.test(path);
}
