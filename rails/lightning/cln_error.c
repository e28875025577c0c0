/* What an error means: spec/splice.md 5.1.8.  Where the number does not say it, the words are a hint; none that fits is
 * UNKNOWN.  A peer's words stand behind "Peer aborted": they are looked at for nothing else. */
#include <string.h>

#include "rails/lightning/cln_wire.h"

static bool says(const struct err *err, const char *words)
{
	return strstr(err->msg, words) != NULL;
}

static struct splice_trouble is(enum splice_sign sign)
{
	return (struct splice_trouble){ .sign = sign };
}

static struct splice_trouble of_class(enum splice_class why)
{
	return (struct splice_trouble){ .sign = TROUBLE_CLASS, .why = why };
}

static struct splice_trouble park(enum splice_wait wait)
{
	return (struct splice_trouble){ .sign = TROUBLE_PARK, .wait = wait };
}

static struct splice_trouble alarming(struct splice_trouble t)
{
	t.alarm = true;
	return t;
}

/* 358 */
static struct splice_trouble state_error(const struct err *err)
{
	if (says(err, "hasn't begun") || says(err, "not in splice mode"))
		return of_class(SPLICE_DISCONNECT);
	if (says(err, "missing a signature"))
		return is(TROUBLE_UNSIGNED);
	if (says(err, "Feerate"))
		return of_class(SPLICE_FEE_LOW);
	if (says(err, "STFU") || says(err, "stfu") || says(err, "two splices") || says(err, "already doing a splice"))
		return park(SPLICE_WAIT_HTLC_OR_STFU);
	return of_class(SPLICE_UNKNOWN);
}

/* 362 */
static struct splice_trouble abort_error(const struct err *err)
{
	if (says(err, "Peer aborted"))
		return of_class(SPLICE_PEER_ABORT);
	if (says(err, "requested by user"))
		return of_class(SPLICE_CANCELLED);
	return of_class(says(err, "fee") ? SPLICE_FEE_LOW : SPLICE_STALE);
}

/* Of the splice commands: 350 to 363. */
static struct splice_trouble splice_error(const struct err *err)
{
	struct splice_trouble t = of_class(SPLICE_UNKNOWN);

	switch (err->peer_code) {
	case CLN_BROADCAST_FAIL:
		return is(TROUBLE_SIGNED);
	case CLN_WRONG_OWNER:
		return is(TROUBLE_PEER);
	case CLN_UNKNOWN_CHANNEL:
		return is(TROUBLE_PROBE);
	case CLN_INVALID_STATE:
		return park(SPLICE_WAIT_NODE_BUSY);
	case CLN_NOT_SUPPORTED:
		return of_class(SPLICE_INVALID);
	case CLN_BUSY:
		return is(TROUBLE_BUSY);
	case CLN_INPUT_ERROR:
		t = of_class(SPLICE_STALE);
		t.once = true;
		t.again = SPLICE_INVALID;
		return t;
	case CLN_FUNDING_LOW:
	case CLN_HIGH_FEE:
		return of_class(SPLICE_STALE);
	case CLN_STATE_ERROR:
		return state_error(err);
	case CLN_LOW_FEE:
		return of_class(SPLICE_FEE_LOW);
	case CLN_ABORT:
		return abort_error(err);
	case CLN_CHANNEL_ERROR:
		t.once = true;
		t.again = SPLICE_PROTO_ERR;
		return t;
	}
	return t;
}

static struct splice_trouble node_error(const struct err *err)
{
	switch (err->peer_code) {
	case CLN_CANNOT_AFFORD:
	case CLN_CANNOT_AFFORD_EMERGENCY:
	case CLN_INPUT_IS_ZERO:
		return park(SPLICE_WAIT_LOW_FUNDS);
	case CLN_STILL_SYNCING:
		return park(SPLICE_WAIT_NODE_UNREACHABLE);
	case CLN_CONNECT_NO_ADDRESS:
	case CLN_CONNECT_ALL_FAILED:
	case CLN_CONNECT_DROPPED:
		return is(TROUBLE_PEER);
	case CLN_METHOD_NOT_FOUND:
		return is(TROUBLE_TOO_OLD);
	case CLN_INVALID_PARAMS:
		return alarming(of_class(SPLICE_INVALID));
	}
	return err->peer_code < 0 ? is(TROUBLE_PROBE) : splice_error(err);
}

struct splice_trouble cln_trouble(const struct err *err)
{
	if (err->code == ERR_PEER)
		return node_error(err);
	if (err->code == ERR_PEER_DOWN)
		return park(SPLICE_WAIT_NODE_UNREACHABLE);
	return err->code == ERR_TIMEOUT ? is(TROUBLE_PROBE) : alarming(is(TROUBLE_PROBE));
}
