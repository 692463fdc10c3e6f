import { PatternError } from "../errors.ts";

/** How quickly peers are found and lost. Milliseconds where the name ends so. */
export interface PeersSettings {
  /** How often each peer tells every other one of itself (default 500, from 50 to 60 000). */
  readonly beatMs: number;
  /**
   * A peer with a line that has said nothing for so long is stalled: its loop is blocked (default
   * three beats).
   */
  readonly stalledMs: number;
  /**
   * How often the I/O threads of two peers ask each other for a sign of life (default 250, from
   * 100): a process that is stopped, or behind a cut cable, is down after four of them. One that
   * is killed is down at once, because its host says so.
   */
  readonly lineBeatMs: number;
  /**
   * How long a peer that is down is kept and dialled before it is forgotten (default 60 000). One
   * that says goodbye is forgotten at once.
   */
  readonly forgetMs: number;
  /** Peers known at a time (default 256); further ones are refused and counted. */
  readonly peersMax: number;
  /** How much its load must change for a peer to be `changed`, of the load told before (default 0.1). */
  readonly loadStep: number;
  /** Tells peers of each other, so that one address is enough to find all (default true). */
  readonly mesh: boolean;
}

const DEFAULTS = {
  beatMs: 500,
  lineBeatMs: 250,
  forgetMs: 60_000,
  peersMax: 256,
  loadStep: 0.1,
  mesh: true,
};

const BOUNDS = {
  beatMs: [50, 60_000],
  lineBeatMs: [100, 60_000],
  stalledMs: [100, 600_000],
  forgetMs: [0, 86_400_000],
  peersMax: [1, 4_096],
  loadStep: [0, 1_000],
} as const;

/** The settings with what was left out. @throws PatternError ERR_BAD_OPTION naming what is out of its bounds */
export function settingsOf(options: Partial<PeersSettings>): PeersSettings {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const beatMs = options.beatMs ?? DEFAULTS.beatMs;
  const settings: PeersSettings = { ...DEFAULTS, stalledMs: 3 * beatMs, ...given };
  for (const [name, [low, high]] of Object.entries(BOUNDS)) {
    const value = settings[name as keyof typeof BOUNDS];
    if (value >= low && value <= high) continue;
    const text = `${name} of peers is ${value}; give a number from ${low} to ${high}`;
    throw new PatternError("ERR_BAD_OPTION", text);
  }
  return settings;
}
