#include "base/splice.h"

#include <string.h>

/* The name of one of n, which begin at 0; those that have none are unknown. */
static const char *name_in(const char *const *names, size_t n, int i)
{
	return i >= 0 && (size_t)i < n && names[i] ? names[i] : "unknown";
}
#define NAME_IN(names, i) name_in(names, sizeof(names) / sizeof((names)[0]), (int)(i))

const char *splice_kind_name(enum splice_kind k)
{
	static const char *const names[SPLICE_KINDS] = {
		[SPLICE_NONE] = "none",
		[SPLICE_IN] = "in",
		[SPLICE_OUT] = "out",
		[SPLICE_BUMP] = "bump",
	};

	return NAME_IN(names, k);
}

const char *splice_wait_name(enum splice_wait w)
{
	static const char *const names[SPLICE_WAITS] = {
		[SPLICE_WAIT_NONE] = "none",
		[SPLICE_WAIT_PEER_OFFLINE] = "peer_offline",
		[SPLICE_WAIT_FOREIGN_SPLICE] = "foreign_splice",
		[SPLICE_WAIT_NODE_BUSY] = "node_busy",
		[SPLICE_WAIT_LOW_FUNDS] = "low_funds",
		[SPLICE_WAIT_FEERATE_CAP] = "feerate_cap",
		[SPLICE_WAIT_NODE_UNREACHABLE] = "node_unreachable",
		[SPLICE_WAIT_HTLC_OR_STFU] = "htlc_or_stfu",
		[SPLICE_WAIT_PEER_SIGNATURES] = "awaiting_peer_sigs",
		[SPLICE_WAIT_CONFIRMATION] = "awaiting_confirmation",
	};

	return NAME_IN(names, w);
}

const char *splice_class_name(enum splice_class c)
{
	static const char *const names[SPLICE_CLASSES] = {
		[SPLICE_FINE] = "none",           [SPLICE_DISCONNECT] = "disconnect",
		[SPLICE_UNKNOWN] = "unknown",     [SPLICE_STALE] = "stale",
		[SPLICE_FEE_LOW] = "fee_low",     [SPLICE_PEER_ABORT] = "peer_abort",
		[SPLICE_PROTO_ERR] = "proto_err", [SPLICE_CANCELLED] = "cancelled",
		[SPLICE_CLOSING] = "closing",     [SPLICE_NO_RBF] = "no_rbf",
		[SPLICE_EXHAUSTED] = "exhausted", [SPLICE_INVALID] = "invalid",
	};

	return NAME_IN(names, c);
}

const char *splice_outcome_name(enum splice_outcome o)
{
	static const char *const names[SPLICE_OUTCOMES] = {
		[SPLICE_LOCKED] = "locked",
		[SPLICE_ABANDONED] = "abandoned",
		[SPLICE_WAS_CANCELLED] = "cancelled",
	};

	return NAME_IN(names, o);
}

const char *candidate_origin_name(enum candidate_origin o)
{
	static const char *const names[] = {
		[CANDIDATE_OURS] = "ours",
		[CANDIDATE_FOREIGN] = "foreign",
		[CANDIDATE_FOREIGN_LOCAL] = "foreign_local",
	};

	return NAME_IN(names, o);
}

const char *candidate_state_name(enum candidate_state s)
{
	static const char *const names[] = {
		[CANDIDATE_NEGOTIATED] = "negotiated",
		[CANDIDATE_SIGNED] = "signed",
		[CANDIDATE_SEEN] = "seen",
		[CANDIDATE_CONFIRMED] = "confirmed",
		[CANDIDATE_LOCKED] = "locked",
		[CANDIDATE_DISCARDED] = "discarded",
	};

	return NAME_IN(names, s);
}

bool candidate_is_out(enum candidate_state s)
{
	switch (s) {
	case CANDIDATE_NEGOTIATED:
	case CANDIDATE_DISCARDED:
		return false;
	case CANDIDATE_SIGNED:
	case CANDIDATE_SEEN:
	case CANDIDATE_CONFIRMED:
	case CANDIDATE_LOCKED:
		return true;
	}
	return false;
}

const char *funding_type_name(enum funding_type t)
{
	static const char *const names[] = {
		[FUNDING_UNTYPED] = "untyped",
		[FUNDING_GENERIC] = "funding",
		[FUNDING_INTERACTIVE] = "interactive_funding",
	};

	return NAME_IN(names, t);
}

const char *funding_direction_name(enum funding_direction d)
{
	static const char *const names[] = { [FUNDING_IN] = "in", [FUNDING_OUT] = "out" };

	return NAME_IN(names, d);
}

const char *funding_status_name(enum funding_status s)
{
	static const char *const names[] = {
		[FUNDING_PENDING] = "pending",
		[FUNDING_SUCCEEDED] = "succeeded",
		[FUNDING_FAILED] = "failed",
	};

	return NAME_IN(names, s);
}

const char *channel_phase_name(enum channel_phase p)
{
	static const char *const names[] = {
		[CHANNEL_OPENING] = "opening",
		[CHANNEL_READY] = "ready",
		[CHANNEL_CLOSING] = "closing",
		[CHANNEL_GONE] = "gone",
	};

	return NAME_IN(names, p);
}

struct hash32 funding_foreign_id(const struct txid *first)
{
	struct hash32 id;

	_Static_assert(sizeof(id.b) == sizeof(first->b), "a txid is the id as it is");
	memcpy(id.b, first->b, sizeof(id.b));
	return id;
}
