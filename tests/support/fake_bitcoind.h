/* tests/support/fake_bitcoind.h - a bitcoind that says what a test wants, in the test's loop: JSON-RPC 2.0, single calls and
 * batches, over tests/support/http_peer.h.
 *
 * A new one is on regtest, has caught up, has an empty mempool and knows only its first block. */
#ifndef TESTS_SUPPORT_FAKE_BITCOIND_H
#define TESTS_SUPPORT_FAKE_BITCOIND_H

#include "base/net/loop.h"
#include "tests/support/http_peer.h"

struct fake_bitcoind;

struct fake_bitcoind *fake_bitcoind_new(struct loop *loop);
void fake_bitcoind_free(struct fake_bitcoind *n);
struct http_peer *fake_bitcoind_peer(struct fake_bitcoind *n);
const char *fake_bitcoind_url(struct fake_bitcoind *n);

/* From now on the method is answered with this JSON, whatever its parameters; fake_bitcoind_on_params() only when their
 * compact text is this.  The rule that was made last decides. */
void fake_bitcoind_on(struct fake_bitcoind *n, const char *method, const char *result);
void fake_bitcoind_on_params(struct fake_bitcoind *n, const char *method, const char *params, const char *result);
/* … with an error. */
void fake_bitcoind_error(struct fake_bitcoind *n, const char *method, int code, const char *message);
/* Take back the rule that was made last. */
void fake_bitcoind_undo(struct fake_bitcoind *n);
/* Where no rule says otherwise: sendrawtransaction takes every transaction, and says its txid.  fake_bitcoind_taken() is the
 * hex of the one that it took last, or "". */
void fake_bitcoind_take(struct fake_bitcoind *n);
const char *fake_bitcoind_taken(const struct fake_bitcoind *n);
/* Where no rule says otherwise: every output that is asked for is unspent, in its mempool and in its chain. */
void fake_bitcoind_unspent(struct fake_bitcoind *n);
/* The next `times` requests are answered by this script instead (its path does not matter). */
void fake_bitcoind_fault(struct fake_bitcoind *n, const struct peer_script *script, unsigned times);
/* 401 unless this is the Authorization header's value; NULL: none is wanted. */
void fake_bitcoind_login(struct fake_bitcoind *n, const char *value);

/* Calls of the method so far. */
unsigned fake_bitcoind_calls(const struct fake_bitcoind *n, const char *method);
/* Its parameters in the last of them, as text. */
const char *fake_bitcoind_params(const struct fake_bitcoind *n, const char *method);

#endif
