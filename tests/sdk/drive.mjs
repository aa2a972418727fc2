// Takes payments and charges through their lives with the published client, one story per run.
// Prints a JSON line per call: its name, and what the client made of the answer.

import { Client } from "@vippsmobilepay/sdk";

const { CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_KEY, MSN } = process.env;
const PHONE = "4712345678";
const NOK = (value) => ({ currency: "NOK", value });
const options = { merchantSerialNumber: MSN, subscriptionKey: SUBSCRIPTION_KEY, useTestMode: true };
const client = Client({ ...options, systemName: "cancel-conformance", retryRequests: true });
let token = "";

async function said(call, promise) {
  let line;
  try {
    const { ok, data, error } = await promise;
    line = ok ? { call, ok, data } : { call, ok, error: error instanceof Error ? error.message : error };
  } catch (error) {
    line = { call, ok: false, thrown: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(line));
  return line.data ?? {};
}

async function authorize() {
  const answer = await said("token", client.auth.getToken(CLIENT_ID, CLIENT_SECRET));
  token = answer.access_token;
}

const create = (reference) =>
  said(
    "create",
    client.payment.create(token, {
      amount: NOK(1000),
      paymentMethod: { type: "WALLET" },
      customer: { phoneNumber: PHONE },
      reference,
      returnUrl: "https://example.com/return",
      userFlow: "WEB_REDIRECT",
      paymentDescription: "One pair of socks",
    }),
  );
const approve = (reference) =>
  said("approve", client.payment.forceApprove(token, reference, { customer: { phoneNumber: PHONE } }));
const capture = (reference, value) =>
  said("capture", client.payment.capture(token, reference, { modificationAmount: NOK(value) }));
const refund = (reference, value) =>
  said("refund", client.payment.refund(token, reference, { modificationAmount: NOK(value) }));
const cancel = (reference) => said("cancel", client.payment.cancel(token, reference));

async function look(reference) {
  await said("info", client.payment.info(token, reference));
  await said("history", client.payment.history(token, reference));
}

const { agreement, charge } = client.recurring;
const day = (ahead) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

async function agreed(initialCharge) {
  const drafted = await said(
    "agreement.create",
    agreement.create(token, {
      pricing: { type: "LEGACY", amount: 1000, currency: "NOK" },
      interval: { unit: "MONTH", count: 1 },
      merchantRedirectUrl: "https://example.com/redirect",
      merchantAgreementUrl: "https://example.com/agreement",
      phoneNumber: PHONE,
      productName: "Socks, monthly",
      initialCharge,
    }),
  );
  await said("agreement.forceAccept", agreement.forceAccept(token, drafted.agreementId, { phoneNumber: PHONE }));
  return drafted;
}

const charged = (agreementId, orderId) =>
  said(
    "charge.create",
    charge.create(token, agreementId, {
      amount: 1000,
      transactionType: "RESERVE_CAPTURE",
      description: "Socks",
      due: day(45),
      retryDays: 5,
      orderId,
    }),
  );

const stories = {
  async reserved() {
    await create("sdk-reserved");
    await approve("sdk-reserved");
    await cancel("sdk-reserved");
    await look("sdk-reserved");
    await capture("sdk-reserved", 1000);
  },
  async partly_captured() {
    await create("sdk-partly-captured");
    await approve("sdk-partly-captured");
    await capture("sdk-partly-captured", 300);
    await cancel("sdk-partly-captured");
    await cancel("sdk-partly-captured");
    await refund("sdk-partly-captured", 200);
    await look("sdk-partly-captured");
  },
  async not_approved() {
    await create("sdk-not-approved");
    await cancel("sdk-not-approved");
    await approve("sdk-not-approved");
    await look("sdk-not-approved");
  },
  async captured() {
    await create("sdk-captured");
    await approve("sdk-captured");
    await capture("sdk-captured", 1000);
    await cancel("sdk-captured");
    await cancel("sdk-unknown");
    await look("sdk-captured");
  },
  async retried() {
    await create("sdk-retried");
    await approve("sdk-retried");
    await cancel("sdk-retried");
    await look("sdk-retried");
  },
  async initial_charge() {
    const { agreementId, chargeId } = await agreed({
      amount: 1000,
      description: "First socks",
      transactionType: "RESERVE_CAPTURE",
    });
    await said("charge.info", charge.info(token, agreementId, chargeId));
    await said("charge.capture", charge.capture(token, agreementId, chargeId, { amount: 300, description: "One" }));
    await said("charge.cancel", charge.cancel(token, agreementId, chargeId));
    await said("charge.refund", charge.refund(token, agreementId, chargeId, { amount: 100, description: "Worn" }));
    await said("charge.info", charge.info(token, agreementId, chargeId));
  },
  async pending_charge() {
    const { agreementId } = await agreed();
    const { chargeId } = await charged(agreementId, "sdk-pending");
    await said("charge.cancel", charge.cancel(token, agreementId, chargeId));
    await said("charge.info", charge.infoById(token, chargeId));
    await said("charge.cancel", charge.cancel(token, agreementId, chargeId));
    await said("charge.list", charge.list(token, agreementId, "CANCELLED"));
  },
  async stopped_agreement() {
    const { agreementId } = await agreed();
    await charged(agreementId, "sdk-stopped");
    await said("agreement.update", agreement.update(token, agreementId, { status: "STOPPED" }));
    await said("agreement.info", agreement.info(token, agreementId));
    await said("charge.info", charge.infoById(token, "sdk-stopped"));
  },
  async production() {
    const elsewhere = Client({ ...options, useTestMode: false, retryRequests: false });
    await said("cancel", elsewhere.payment.cancel(token, "sdk-production"));
  },
};

await authorize();
await stories[process.argv[2]]();
