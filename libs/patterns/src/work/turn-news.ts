import type { Endings } from "./endings.ts";
import { copyOf, isFinal, type JobRecord } from "./job.ts";
import { type JobView, viewOf } from "./view.ts";

/** What has changed in one turn, as it was then, for those who are told once the turn is safe. */
export class TurnNews<Payload, Result> {
  readonly #endings: Endings<JobRecord>;
  readonly #onChange: ((job: JobView<Payload, Result>) => void) | undefined;
  #views: JobView<Payload, Result>[] = [];
  #ended: JobRecord[] = [];

  constructor(
    endings: Endings<JobRecord>,
    onChange: ((job: JobView<Payload, Result>) => void) | undefined,
  ) {
    this.#endings = endings;
    this.#onChange = onChange;
  }

  /** A job has changed. */
  saw(job: JobRecord): void {
    if (this.#onChange !== undefined) this.#views.push(viewOf(job));
    if (isFinal(job) && this.#endings.has(job.id)) this.#ended.push(copyOf(job));
  }

  /** The turn is safe. */
  tell(): void {
    const [ended, views] = [this.#ended, this.#views];
    this.forget();
    for (const job of ended) this.#endings.ended(job.id, job);
    for (const view of views) this.#onChange?.(view);
  }

  /** Nothing of the turn has happened. */
  forget(): void {
    if (this.#ended.length > 0) this.#ended = [];
    if (this.#views.length > 0) this.#views = [];
  }
}
