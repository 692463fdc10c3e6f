/** Nothing here needs a shell beyond splitting words, and it is no assignment. */
const SIMPLE = /^(?!\w+=)[\w./:@%+,='"$ -]+$/;

/**
 * A simple command with `exec` before it, so that the app replaces the shell: signals and exit code
 * are then the app's own. Anything with pipes, lists or assignments is left as it is.
 * @param command command line for `/bin/sh -c`
 */
export function execForm(command: string): string {
  const line = command.trim();
  if (!SIMPLE.test(line) || /^(exec|cd|export|set|\.|source|ulimit|umask) /.test(line)) return line;
  return `exec ${line}`;
}
