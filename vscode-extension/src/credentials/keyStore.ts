/** Keys, kept by VS Code where the operating system keeps its secrets. */

import type * as vscode from "vscode";
import { kindOf } from "./keyNames";

export class KeyStore {
  /** Told when a key was added, replaced or removed, in this window or in another one. */
  readonly onDidChange: vscode.Event<unknown>;

  constructor(private readonly secrets: vscode.SecretStorage) {
    this.onDidChange = secrets.onDidChange;
  }

  /** The names of the keys that there are. */
  async names(): Promise<string[]> {
    return (await this.secrets.keys()).filter((name) => kindOf(name) !== undefined).sort();
  }

  /** The keys by their names. */
  async all(): Promise<[name: string, key: string][]> {
    const names = await this.names();
    const keys = await Promise.all(names.map((name) => this.secrets.get(name)));
    return names.flatMap((name, at): [string, string][] => {
      const key = keys[at];
      return key ? [[name, key]] : [];
    });
  }

  async has(name: string): Promise<boolean> {
    return (await this.names()).includes(name);
  }

  async keep(name: string, key: string): Promise<void> {
    await this.secrets.store(name, key);
  }

  async forget(name: string): Promise<void> {
    await this.secrets.delete(name);
  }
}
