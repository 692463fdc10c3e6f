/** What is said when there is no answer: by the console, or as RFC 9457 has it. */
interface Problem {
  readonly error?: string;
  readonly title?: string;
  readonly detail?: string;
}

/** Asks the collector. @throws Error with the words of its problem */
export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await answered(path, signal)).json()) as T;
}

/** The same for what is no JSON. */
export async function askBytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await answered(path, signal)).arrayBuffer();
}

async function answered(path: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(path, { signal: signal ?? null });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Problem;
  throw new Error(
    problem.error ?? problem.detail ?? problem.title ?? `${response.status} ${response.statusText}`,
  );
}
