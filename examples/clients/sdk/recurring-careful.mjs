// The same shop, which believes nothing but the charge itself: it reads before and after whatever it sends, and lets
// the client repeat nothing.

import { Client } from "@vippsmobilepay/sdk";
import { shop as small } from "./recurring.mjs";

export { profiles } from "./recurring.mjs";

export function shop(setup) {
  const { client_id, client_secret, subscription_key: subscriptionKey, msn: merchantSerialNumber } = setup;
  const options = { merchantSerialNumber, subscriptionKey, useTestMode: true, retryRequests: false, systemName: "shop" };
  const { auth, recurring } = Client(options);
  const { create, local_view } = small(setup);
  const token = async () => (await auth.getToken(client_id, client_secret)).data.access_token;

  async function isOver(order_id) {
    const order = local_view({ order_id });
    const { status, amount, summary } = (await recurring.charge.info(await token(), order.agreement, order_id)).data;
    const over = ["CANCELLED", "FAILED"].includes(status) || amount === summary.captured + summary.cancelled;
    const waits = ["PENDING", "DUE", "PROCESSING", "UNKNOWN"].includes(status);
    order.captured = summary.captured;
    order.status = summary.captured ? "captured" : over ? "cancelled" : waits ? "open" : "authorized";
    return over;
  }

  return {
    create,
    local_view,
    async capture({ order_id, amount }) {
      const order = local_view({ order_id });
      order.due ??= order.captured + amount;
      await isOver(order_id);
      if (order.captured < order.due) {
        const body = { amount, description: "Shipped" };
        await recurring.charge.capture(await token(), order.agreement, order_id, body);
        await isOver(order_id);
      }
      if (order.captured < order.due) throw new Error("not captured");
      delete order.due;
    },
    async cancel({ order_id }) {
      if (await isOver(order_id)) return;
      await recurring.charge.cancel(await token(), local_view({ order_id }).agreement, order_id);
      if (!(await isOver(order_id))) throw new Error("not cancelled");
    },
  };
}
