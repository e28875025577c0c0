/* rails/cashu/cashu_error.h - what an answer that is not a success means, and how every decoder of this room fails.
 *
 * A decoder returns -1 with one of:
 *   ERR_PEER          the mint said no, and means it; .peer_code is its code (class D, X or B below)
 *   ERR_PEER_BUSY     ask the same again later: throttled (.peer_code 429 or 503, .retry_after_s) or a code of class W
 *   ERR_PEER_DOWN     nobody knows: not sent, no answer, 5xx, not a mint's answer, or a code of class A (.peer_code)
 *   ERR_PEER_INVALID  a success that is not what the NUTs allow
 * Whether a definite no is definite also hangs on how often the request was sent: that is the caller's to know. */
#ifndef RAILS_CASHU_CASHU_ERROR_H
#define RAILS_CASHU_CASHU_ERROR_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/http_msg.h"

/* The codes that action kinds act on by themselves.  The whole list is the table in cashu_error.c. */
enum cashu_code {
	CASHU_PROOF_INVALID = 10001,
	CASHU_SPENT = 11001,
	CASHU_PENDING = 11002,
	CASHU_OUTPUTS_SIGNED = 11003,
	CASHU_OUTPUTS_PENDING = 11004,
	CASHU_UNBALANCED = 11005,
	CASHU_AMOUNT_LIMITS = 11006,
	CASHU_DUPLICATE_INPUTS = 11007,
	CASHU_DUPLICATE_OUTPUTS = 11008, /* cdk: also outputs that it has stored before */
	CASHU_AMOUNTLESS_INVOICE = 11011,
	CASHU_INVOICE_AMOUNT = 11012,
	CASHU_TOO_MANY_INPUTS = 11014,
	CASHU_TOO_MANY_OUTPUTS = 11015,
	CASHU_KEYSET_UNKNOWN = 12001,
	CASHU_KEYSET_INACTIVE = 12002,
	CASHU_KEYSET_EXPIRED = 12003,
	CASHU_QUOTE_NOT_PAID = 20001,
	CASHU_QUOTE_ISSUED = 20002,
	CASHU_ISSUE_DISABLED = 20003,
	CASHU_PAYMENT_FAILED = 20004,
	CASHU_QUOTE_PENDING = 20005,
	CASHU_DUPLICATE = 20006, /* cdk: any duplicate in its database */
	CASHU_QUOTE_EXPIRED = 20007,
	CASHU_QUOTE_SIGNATURE = 20008,
	CASHU_QUOTE_NEEDS_PUBKEY = 20009
};

enum cashu_class {
	CASHU_D = 1, /* definite when sent once */
	CASHU_A = 2, /* ambiguous by nature: reconcile */
	CASHU_W = 3, /* wait, and send the same */
	CASHU_B = 4, /* build a new request: other outputs, fresh keysets */
	CASHU_X = 5  /* definite, and permanent for this operation */
};
/* A code that the NUTs do not list is class A. */
enum cashu_class cashu_class_of(int code);

enum cashu_verdict {
	CASHU_OK = 1,
	CASHU_DEFINITE = 2,
	CASHU_AMBIGUOUS = 3,
	CASHU_WAIT = 4,
	CASHU_REBUILD = 5,
	CASHU_THROTTLED = 6
};
/* Of an error that a decoder of this room filled; CASHU_OK for an empty one. */
enum cashu_verdict cashu_verdict(const struct err *err);

/* 0 with the reply's JSON object (borrowed, held by a) when the mint answered 200; else -1 as above. */
MUST_CHECK int cashu_reply_json(struct arena *a, const struct net_reply *rep, json_t **ret, struct err *err);
/* The same for an answer that is a list, of at most max. */
MUST_CHECK int cashu_reply_list(struct arena *a, const struct net_reply *rep, size_t max, json_t **ret,
				struct err *err);
/* Turn what a JSON getter or parser found wrong inside such an object into ERR_PEER_INVALID.  Returns -1. */
int cashu_invalid(struct err *err, const char *what);

#endif
