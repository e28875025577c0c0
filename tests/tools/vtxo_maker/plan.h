/* tests/tools/vtxo_maker/plan.h - VTXOs by a plan in JSON, for tests that fund them on a chain and exit them.
 *
 * {
 *   "server": KEY, "expiry_height": N, "exit_delta": N,
 *   "board": { "user": KEY, "amount_sat": N, "fee_sat": N }            either a board ...
 *   "round": { "preimage": HEX, "locked": false, "leaves": [ { "user": KEY, "amount_sat": N }, ... ] }    ... or a round
 *   "utxo": "txid:vout",
 *   "hops": [ { "spend": 0, "checkpoint": true, "outputs": [ OUTPUT, ... ], "isolated": [ OUTPUT, ... ] }, ... ]
 * }
 * KEY is a secret key of 64 hex characters, or { "words": TEXT, "index": N }: the key of a wallet.  OUTPUT is { "amount_sat": N, "user": KEY } or, of somebody else, "key": a public
 * key; it may be an HTLC: "htlc_send": { "hash": HEX, "expiry": N }, or "htlc_receive" with "expiry_delta": N beside.
 *
 * Without a utxo the result is what to fund: { "script": HEX, "amount_sat": N }.  With it, { "vtxos": [ VTXO, ... ] }: the
 * board or the leaves, then what each hop makes of one of those before it, by its place in the list.  A VTXO is { "id",
 * "amount_sat", "depth", "spent", "hex": its encoding, "txs": its exit transactions in hex, first to last }. */
#ifndef TESTS_TOOLS_VTXO_MAKER_PLAN_H
#define TESTS_TOOLS_VTXO_MAKER_PLAN_H

#include "base/json.h"

#define VTXO_PLAN_MAX  1000 /* VTXOs of one plan */
#define VTXO_PLAN_ROOM ((size_t)256 * 1024 * 1024)

/* ERR_PARSE and ERR_PARAM: no plan; else what the primitives say.  The result is held by the arena. */
MUST_CHECK int vtxo_plan_run(struct arena *a, const json_t *plan, json_t **ret, struct err *err);

#endif
