export { parseArguments } from "./arguments.ts";
export { type DescribeOptions, describe } from "./describe.ts";
export {
  type Description,
  type Doc,
  type Getter,
  type MethodDescription,
  methodOf,
  type Parameter,
  type Returns,
  type Source,
  signatureText,
} from "./description.ts";
export { toDts } from "./dts.ts";
export { IntrospectError, type IntrospectErrorCode } from "./errors.ts";
export { type HelpOptions, toHelp } from "./help.ts";
export { type HtmlOptions, toHtml } from "./html.ts";
export { type JsonSchema, toJsonSchema, toResultSchema } from "./json-schema.ts";
export { toMarkdown } from "./markdown.ts";
export { DEPTH_MAX, MEMBERS_MAX, type Member, members } from "./members.ts";
export { nearest } from "./nearest.ts";
export { type OpenApiOptions, toOpenApi } from "./open-api.ts";
export { toZerorpcInspect, type ZerorpcInspect, type ZerorpcMethod } from "./zerorpc.ts";
