// The same shop, which believes nothing but the payment itself: it reads before and after whatever it sends, and lets
// the client repeat nothing.

import { Client } from "@vippsmobilepay/sdk";
import { shop as small } from "./epayment.mjs";

export { profiles } from "./epayment.mjs";

export function shop(setup) {
  const { client_id, client_secret, subscription_key: subscriptionKey, msn: merchantSerialNumber } = setup;
  const options = { merchantSerialNumber, subscriptionKey, useTestMode: true, retryRequests: false, systemName: "shop" };
  const { auth, payment } = Client(options);
  const { create, local_view } = small(setup);
  const token = async () => (await auth.getToken(client_id, client_secret)).data.access_token;

  async function isOver(order_id) {
    const order = local_view({ order_id });
    const { state, aggregate } = (await payment.info(await token(), order_id)).data;
    const [authorized, captured, cancelled] = ["authorized", "captured", "cancelled"].map((name) => aggregate[`${name}Amount`].value);
    const over = authorized ? authorized === captured + cancelled : ["TERMINATED", "ABORTED", "EXPIRED"].includes(state);
    order.captured = captured;
    order.status = captured ? "captured" : over ? "cancelled" : authorized ? "authorized" : "open";
    return over;
  }

  return {
    create,
    local_view,
    async capture({ order_id, amount: value }) {
      const order = local_view({ order_id });
      order.due ??= order.captured + value;
      await isOver(order_id);
      if (order.captured < order.due) {
        const { currency } = order;
        await payment.capture(await token(), order_id, { modificationAmount: { value, currency } });
        await isOver(order_id);
      }
      if (order.captured < order.due) throw new Error("not captured");
      delete order.due;
    },
    async cancel({ order_id }) {
      if (await isOver(order_id)) return;
      await payment.cancel(await token(), order_id);
      if (!(await isOver(order_id))) throw new Error("not cancelled");
    },
    async abandon({ order_id }) {
      await isOver(order_id);
      if (local_view({ order_id }).status !== "open") return;
      await payment.cancel(await token(), order_id);
      if (!(await isOver(order_id))) throw new Error("not cancelled");
    },
  };
}
