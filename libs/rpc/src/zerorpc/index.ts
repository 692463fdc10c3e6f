export { ZerorpcCaller, type ZerorpcCallerOptions } from "./caller.ts";
export { type Dialect, probe } from "./probe.ts";
export { type Puller, type PullOptions, servePuller, serveSubscriber } from "./pull.ts";
export {
  openPublisher,
  openPusher,
  type Pushed,
  type Pusher,
  type PushOptions,
  type PushStats,
  pushStats,
} from "./push.ts";
export { serveWorker, type Worker, type WorkerOptions } from "./worker.ts";
