// A small shop that charges agreements: it does what the client's responses suggest, and nothing more.

import { Client } from "@vippsmobilepay/sdk";

export const profiles = ["recurring"];

export function shop(setup) {
  const { client_id, client_secret, subscription_key: subscriptionKey, msn: merchantSerialNumber } = setup;
  const options = { merchantSerialNumber, subscriptionKey, useTestMode: true, systemName: "shop" };
  const { auth, recurring } = Client(options);
  const token = async () => done(await auth.getToken(client_id, client_secret)).access_token;
  const orders = {};
  return {
    async create({ order: { id, amount, agreement, description } }) {
      orders[id] = { status: "open", captured: 0, reference: id, agreement };
      const due = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
      const charge = { orderId: id, amount, description, due, retryDays: 0, transactionType: "RESERVE_CAPTURE" };
      return { reference: done(await recurring.charge.create(await token(), agreement, charge)).chargeId };
    },
    async capture({ order_id, amount }) {
      const { agreement } = orders[order_id];
      const body = { amount, description: "Shipped" };
      done(await recurring.charge.capture(await token(), agreement, order_id, body));
      orders[order_id].status = "captured";
      orders[order_id].captured += amount;
    },
    async cancel({ order_id }) {
      done(await recurring.charge.cancel(await token(), orders[order_id].agreement, order_id));
      if (!orders[order_id].captured) orders[order_id].status = "cancelled";
    },
    local_view: ({ order_id }) => orders[order_id],
  };
}

function done(said) {
  if (!said.ok) throw new Error(said.error.message ?? JSON.stringify(said.error));
  return said.data;
}
