/** What is said when there is no answer: by the console, or as RFC 9457 has it. */
interface Problem {
  readonly error?: string;
  readonly title?: string;
  readonly detail?: string;
}

/** Asks the collector. @throws Error with the words of its problem */
export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(path, { signal: signal ?? null });
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as Problem;
  throw new Error(
    problem.error ?? problem.detail ?? problem.title ?? `${response.status} ${response.statusText}`,
  );
}
