// A small shop on ePayment: it does what the client's responses suggest, and nothing more.

import { Client } from "@vippsmobilepay/sdk";

export const profiles = ["epayment"];

export function shop(setup) {
  const { client_id, client_secret, subscription_key: subscriptionKey, msn: merchantSerialNumber } = setup;
  const { auth, payment } = Client({ merchantSerialNumber, subscriptionKey, useTestMode: true, systemName: "shop" });
  const token = async () => done(await auth.getToken(client_id, client_secret)).access_token;
  const orders = {};
  return {
    async create({ order: { id, amount: value, currency } }) {
      orders[id] = { status: "open", captured: 0, currency, reference: id };
      const order = { amount: { value, currency }, paymentMethod: { type: "WALLET" }, reference: id };
      const back = { userFlow: "WEB_REDIRECT", returnUrl: "https://shop.example/thanks", paymentDescription: id };
      return done(await payment.create(await token(), { ...order, ...back }));
    },
    async capture({ order_id, amount: value }) {
      const { currency } = orders[order_id];
      done(await payment.capture(await token(), order_id, { modificationAmount: { value, currency } }));
      orders[order_id].status = "captured";
      orders[order_id].captured += value;
    },
    async cancel({ order_id }) {
      done(await payment.cancel(await token(), order_id));
      if (!orders[order_id].captured) orders[order_id].status = "cancelled";
    },
    // A reservation must not be touched: a payment that is AUTHORIZED afterwards was paid in time.
    async abandon({ order_id }) {
      await payment.cancel(await token(), order_id, { cancelTransactionOnly: true });
      const { state } = done(await payment.info(await token(), order_id));
      orders[order_id].status = { CREATED: "open", AUTHORIZED: "authorized" }[state] ?? "cancelled";
    },
    local_view: ({ order_id }) => orders[order_id],
  };
}

function done(said) {
  if (!said.ok) throw new Error(said.error.message ?? JSON.stringify(said.error));
  return said.data;
}
