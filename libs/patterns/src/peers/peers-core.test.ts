import { describe, expect, test } from "vitest";
import { type Advert, Kind, type PeerMessage } from "./message.ts";
import { PeersCore } from "./peers-core.ts";
import { type PeersSettings, settingsOf } from "./settings.ts";

const AT = "tcp://10.0.0.5:5000";
const advert = (given: Partial<Advert> = {}): Advert => ({
  kind: Kind.advert,
  id: "b",
  name: "B",
  epoch: 10,
  at: "tcp://10.0.0.2:5000",
  key: undefined,
  sentMs: 1,
  echoMs: -1,
  holdMs: 0,
  load: 0,
  offers: new Map(),
  ...given,
});

/** A core, and what it has asked for. */
class Desk {
  readonly said: [line: number, message: PeerMessage][] = [];
  readonly dialled = new Map<number, string>();
  readonly told: string[] = [];
  readonly core: PeersCore;
  nowMs = 0;

  constructor(settings: Partial<PeersSettings> = {}, id = "m") {
    const self = { id, name: id, at: AT, epoch: 5, offers: new Map(), load: () => 1 };
    this.core = new PeersCore(self, {
      settings: settingsOf({ beatMs: 500, ...settings }),
      nowMs: 0,
      effects: {
        send: (line, message) => void this.said.push([line, message]),
        dial: (line, { at }) => void this.dialled.set(line, at),
        hangUp: (line) => void this.dialled.delete(line),
        event: ({ kind, peer }) => void this.told.push(`${peer.id} ${kind}`),
        admits: ({ key }) => key !== "x".repeat(40),
      },
    });
  }

  /** A line that somebody has dialled, and spoken on. */
  called(message: Advert, key?: string): number {
    const line = this.core.accepted(key) ?? 0;
    this.core.lineUp(line, this.nowMs);
    this.core.receive(line, message, this.nowMs);
    return line;
  }

  /** The line that was dialled to this address. */
  lineTo(at: string): number {
    const [line] = [...this.dialled].find(([, to]) => to === at) ?? [];
    if (line === undefined) throw new Error(`nobody dials ${at}`);
    return line;
  }

  pass(forMs: number): void {
    for (const untilMs = this.nowMs + forMs; this.nowMs < untilMs; this.core.tick(this.nowMs))
      this.nowMs += 100;
  }

  get states(): string[] {
    return this.core.all().map(({ id, state }) => `${id} ${state}`);
  }
}

describe("a peer", () => {
  test("is up while it is heard, stalled while only its line is there, down without it, then forgotten", () => {
    const desk = new Desk({ forgetMs: 5_000 });
    const line = desk.called(advert());
    desk.pass(1_500);
    expect(desk.states).toEqual(["b up"]);
    desk.pass(200);
    expect(desk.states).toEqual(["b stalled"]);
    desk.core.receive(line, advert({ sentMs: 2 }), desk.nowMs);
    expect(desk.states).toEqual(["b up"]);
    desk.core.lineDown(line, desk.nowMs);
    expect(desk.states).toEqual(["b down"]);
    desk.pass(4_900);
    expect(desk.states).toEqual(["b down"]);
    desk.pass(300);
    expect(desk.states).toEqual([]);
    expect(desk.told).toEqual(["b up", "b stalled", "b up", "b down", "b left"]);
  });

  test("is not stalled because this loop stood still", () => {
    const desk = new Desk();
    desk.called(advert());
    desk.pass(1_000);
    desk.nowMs += 20_000;
    desk.core.tick(desk.nowMs);
    expect(desk.states).toEqual(["b up"]);
    desk.pass(1_700);
    expect(desk.states).toEqual(["b stalled"]);
  });

  test("is not up because its line is there again: somebody else may be on it", () => {
    const desk = new Desk();
    const line = desk.called(advert());
    desk.core.lineDown(line, 0);
    desk.core.lineUp(line, 0);
    desk.pass(100);
    expect(desk.states).toEqual(["b down"]);
    desk.core.receive(line, advert({ id: "c", at: "tcp://10.0.0.3:5000" }), 0);
    expect(desk.states).toEqual(["b down", "c up"]);
  });

  test("of another life replaces the one before, and what that one says late is refused", () => {
    const desk = new Desk();
    const old = desk.called(advert({ load: 1 }));
    desk.called(advert({ epoch: 11, load: 2 }));
    desk.core.receive(old, advert({ load: 3, sentMs: 9 }), 0);
    expect(desk.core.all()).toMatchObject([{ epoch: 11, load: 2, state: "up" }]);
    expect(desk.told).toEqual(["b up", "b down", "b up"]);
    expect(desk.core.stats().refused).toEqual({ stale: 1 });
    expect(desk.said.at(-1)).toMatchObject([
      old,
      { kind: Kind.hints, hints: [{ id: "b", epoch: 11 }] },
    ]);
  });

  test("of another life is not there because a line of the one before still is", () => {
    const desk = new Desk();
    desk.called(advert());
    const line = desk.called(advert({ epoch: 11 }));
    desk.core.lineDown(line, 0);
    expect(desk.states).toEqual(["b down"]);
  });

  test("that has left stays away, until it is there with another life", () => {
    const desk = new Desk();
    const line = desk.called(advert());
    desk.core.receive(line, { kind: Kind.left, id: "b", epoch: 10 }, 0);
    desk.core.receive(line, advert({ sentMs: 9 }), 0);
    desk.core.hint(advert(), 0);
    expect(desk.states).toEqual([]);
    expect(desk.core.stats().refused).toEqual({ left: 1 });
    desk.called(advert({ epoch: 11 }));
    expect(desk.states).toEqual(["b up"]);
  });

  test("that others remember as of a later life lives on as a later one still", () => {
    const desk = new Desk();
    const line = desk.called(advert());
    const hints = [{ id: "m", epoch: 77, at: AT }];
    desk.core.receive(line, { kind: Kind.hints, id: "b", hints }, 0);
    expect(desk.said.at(-1)).toMatchObject([line, { kind: Kind.advert, id: "m", epoch: 78 }]);
  });

  test("is changed when it offers something else, or its load differs by a tenth", () => {
    const desk = new Desk();
    const line = desk.called(advert({ load: 100 }));
    const say = (sentMs: number, given: Partial<Advert>): void =>
      desk.core.receive(line, advert({ sentMs, ...given }), 0);
    say(2, { load: 109 });
    say(3, { load: 111 });
    say(4, { load: 111, offers: new Map([["x", "tcp://h:1"]]) });
    say(3, { load: 500 });
    expect(desk.told).toEqual(["b up", "b changed", "b changed"]);
    expect(desk.core.all()).toMatchObject([{ load: 111, offers: { x: "tcp://h:1" } }]);
  });

  test("knows how long the way to it and back takes", () => {
    const desk = new Desk();
    desk.nowMs = 100;
    desk.called(advert({ echoMs: 40, holdMs: 50 }));
    expect(desk.core.all()).toMatchObject([{ rttMs: 10 }]);
  });
});

describe("lines", () => {
  test("are dialled by the lower id only", () => {
    const desk = new Desk();
    desk.core.hint(advert({ id: "b", at: "tcp://h:1" }), 0);
    desk.core.hint(advert({ id: "z", at: "tcp://h:2" }), 0);
    desk.pass(500);
    expect([...desk.dialled.values()]).toEqual(["tcp://h:2"]);
    // The lower one does not get through.
    for (let i = 0; i < 12; i++) {
      desk.core.hint(advert({ id: "b", at: "tcp://h:1" }), desk.nowMs);
      desk.pass(500);
    }
    expect([...desk.dialled.values()]).toEqual(["tcp://h:2", "tcp://h:1"]);
  });

  test("that are too many are ended by who has dialled them: the lower one's stays", () => {
    const desk = new Desk();
    desk.core.give("given", [{ at: "tcp://h:1" }, { at: "tcp://h:2" }]);
    const [low, high] = [desk.lineTo("tcp://h:1"), desk.lineTo("tcp://h:2")];
    const beat = (sentMs: number): void => {
      desk.core.receive(low, advert({ id: "b", at: "tcp://h:1", sentMs }), desk.nowMs);
      desk.core.receive(high, advert({ id: "z", at: "tcp://h:2", sentMs }), desk.nowMs);
      desk.pass(500);
    };
    for (const line of [low, high]) desk.core.lineUp(line, 0);
    beat(1);
    expect([...desk.dialled.values()]).toEqual(["tcp://h:1", "tcp://h:2"]);
    desk.called(advert({ id: "b", at: "tcp://h:1", sentMs: 2 }));
    desk.called(advert({ id: "z", at: "tcp://h:2", sentMs: 2 }));
    desk.pass(500);
    expect([...desk.dialled.values()]).toEqual(["tcp://h:2"]);
  });

  test("that lead back here are ended, and not dialled again", () => {
    const desk = new Desk();
    desk.core.give("given", [{ at: "tcp://localhost:5000" }]);
    const line = desk.lineTo("tcp://localhost:5000");
    desk.core.lineUp(line, 0);
    desk.core.receive(line, advert({ id: "m", at: AT, epoch: 5 }), 0);
    desk.pass(5_000);
    expect([...desk.dialled]).toEqual([]);
    expect(desk.core.stats().refused).toEqual({});
  });

  test("to a source are dialled again when whoever was there is gone", () => {
    const desk = new Desk({ forgetMs: 1_000 });
    desk.core.give("given", [{ at: "tcp://h:1" }]);
    desk.core.lineUp(desk.lineTo("tcp://h:1"), 0);
    desk.core.receive(desk.lineTo("tcp://h:1"), advert({ at: "tcp://h:1" }), 0);
    const called = desk.called(advert({ at: "tcp://h:1", sentMs: 2 }));
    desk.pass(500);
    expect([...desk.dialled]).toEqual([]);
    desk.core.lineClosed(called, desk.nowMs);
    desk.pass(5_000);
    expect([...desk.dialled.values()]).toEqual(["tcp://h:1"]);
  });
});

describe("is refused, and counted:", () => {
  test("a peer that claims another one's name without its key", () => {
    const desk = new Desk();
    const [own, other] = ["a".repeat(40), "b".repeat(40)];
    desk.called(advert({ key: own }), own);
    desk.called(advert({ key: other, epoch: 99 }), other);
    desk.called(advert({ key: own, epoch: 99 }), other);
    desk.called(advert({ key: undefined, epoch: 99 }), other);
    expect(desk.core.all()).toMatchObject([{ epoch: 10, key: own }]);
    expect(desk.core.stats().refused).toEqual({ "foreign key": 3 });
  });

  test("a peer with the id of this one", () => {
    const desk = new Desk();
    desk.called(advert({ id: "m", at: "tcp://h:1", epoch: 99 }));
    expect(desk.core.stats().refused).toEqual({ "same id": 1 });
    expect(desk.states).toEqual([]);
  });

  test("a hint of somebody who is not trusted, and what a stranger says", () => {
    const desk = new Desk();
    desk.core.hint(advert({ id: "z", key: "x".repeat(40) }), 0);
    const line = desk.core.accepted(undefined) ?? 0;
    desk.core.lineUp(line, 0);
    desk.core.receive(line, { kind: Kind.hints, id: "b", hints: [advert({ id: "z" })] }, 0);
    desk.core.receive(line, undefined, 0);
    desk.core.receive(99, advert(), 0);
    expect(desk.core.stats().refused).toEqual({
      untrusted: 1,
      stranger: 1,
      malformed: 1,
      "no line": 1,
    });
    expect([...desk.dialled]).toEqual([]);
  });

  test("more peers, lines and rumours than are stated", () => {
    const desk = new Desk({ peersMax: 10 });
    for (let i = 0; i < 200; i++) {
      desk.called(advert({ id: `p${i}`, at: `tcp://h:${i + 1}` }));
      desk.core.hint(advert({ id: `z${i}`, at: `tcp://z:${i + 1}` }), 0);
    }
    desk.pass(500);
    const { peers, lines, refused } = desk.core.stats();
    expect(peers).toBe(10);
    expect(lines).toBeLessThanOrEqual(2 * 10 + 64 + 10);
    expect(refused["peers"]).toBeGreaterThan(0);
    expect(refused["lines"]).toBeGreaterThan(0);
    expect(desk.dialled.size).toBeLessThanOrEqual(20);
  });
});
