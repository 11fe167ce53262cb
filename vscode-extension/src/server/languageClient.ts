/** What is used of the language client: a bundle of its own, as it is most of the code and nobody needs it before a server runs. */

export { BaseLanguageClient, CloseAction, ErrorAction } from "vscode-languageclient";
export {
  CancellationToken,
  ErrorCodes,
  LSPErrorCodes,
  ProgressType,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node";
