import type { Access } from "./access.ts";
import type { ExitCode } from "./exit-code.ts";
import { dataFolder, type Location, locate } from "./platform/locate.ts";
import type { Terminal } from "./render/terminal.ts";

/** Options that every command which talks to a platform takes. */
export interface PlatformOptions {
  readonly data?: string;
  readonly json?: boolean;
}

/** What a command works with. */
export class Context {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Set by a command whose outcome is not a success, and was told already. */
  exitCode: ExitCode | undefined;
  /** Show the traceback of an error that ends the command. */
  showTraceback = false;

  constructor(terminal: Terminal, env: NodeJS.ProcessEnv, cwd: string) {
    this.terminal = terminal;
    this.env = env;
    this.cwd = cwd;
  }

  /** @throws CliError ERR_CLI_NO_PLATFORM when none is running */
  locate({ data }: PlatformOptions): Location {
    return locate({ data, env: this.env, cwd: this.cwd });
  }

  /** The data folder that is meant, whether a platform runs there or not. */
  dataFolder({ data }: PlatformOptions): string {
    return dataFolder({ data, env: this.env, cwd: this.cwd });
  }

  /**
   * The platform that is meant. The libraries for it are loaded only now: help needs none.
   * @param options `traced`: this command is the root of a trace
   * @throws CliError ERR_CLI_NO_PLATFORM when none is running
   */
  async open(options: PlatformOptions, about: { readonly traced?: boolean } = {}): Promise<Access> {
    return this.openAt(this.locate(options), about);
  }

  /** A platform at a known place. */
  async openAt(location: Location, about: { readonly traced?: boolean } = {}): Promise<Access> {
    const { Access: Opened } = await import("./access.ts");
    return new Opened(location, about);
  }
}
