// Checked by tsc against the types that openapi-typescript makes of the description.
import type { components, operations, paths } from "./api";

type Body<T> = T extends { requestBody: { content: { "application/json": infer B } } } ? B : never;
type Answer<T> = T extends { content: { "application/json": infer B } } ? B : never;

const event: components["schemas"]["EventIn"] = { eventName: "pointsIssued", data: { points: 3 } };
export const sent: Body<operations["sendEvents"]>[] = [event, [event, event]];

export const webhook: Body<operations["createWebhook"]> = {
  name: "crm",
  eventNames: ["pointsIssued"],
  webHookUrl: "https://crm.example.com/hook",
  maxAllowedConnections: 10,
  filter: { all: [{ path: "data.points", gte: 3 }, { not: { path: "data.code", exists: true } }] },
};

export function states(page: Answer<operations["listDeliveries"]["responses"][200]>): string[] {
  return page.deliveries.map((one) => one.state);
}

export type Listed = paths["/v1/deliveries"]["get"];
