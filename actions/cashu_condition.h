/* actions/cashu_condition.h - what ecash that is made is to be locked to, as it goes from one action to another.
 *
 * As JSON, the part of a well-known secret (NUT-10) that all notes of a token share, without the nonce that each has for
 * itself: {"kind": "P2PK", "data": "02…", "tags": [["locktime", "1700000000"], …]}. */
#ifndef ACTIONS_CASHU_CONDITION_H
#define ACTIONS_CASHU_CONDITION_H

#include "actions/action.h"
#include "rails/cashu/lock.h"
#include "rails/cashu/mint_info.h"
#include "rails/cashu/payreq.h"

/* The parameters of an action that makes locked ecash; CONDITION_PARAMS are their rows.  NULL: it is not to be locked.  With
 * a locktime and no refund keys a key of this wallet is made, so that what nobody takes comes back: in the unit of start.
 * ERR_LOCK, ERR_PARAM, naming the field. */
MUST_CHECK int condition_of_params(struct step *s, const json_t *params, json_t **ret, struct err *err);
/* Of a note that is locked already: lock_parse() took its secret. */
MUST_CHECK int condition_of_secret(struct arena *a, const char *secret, json_t **ret, struct err *err);
/* As a payee asks for it. */
MUST_CHECK int condition_of_request(struct arena *a, const struct payreq_lock *l, json_t **ret, struct err *err);
/* The secret of one note.  nonce: random, never used before.  ERR_LOCK, ERR_UNSUPPORTED. */
MUST_CHECK int condition_secret(struct arena *a, const json_t *condition, const uint8_t nonce[32], char **ret,
				struct err *err);
/* Does the mint hold people to it?  Where it does not, locked ecash is everybody's: ERR_UNSUPPORTED. */
MUST_CHECK int condition_check_mint(struct arena *a, const json_t *condition, const char *info, const char *mint,
				    struct err *err);

#define CONDITION_PARAMS                                                                                               \
	{                                                                                                              \
		.name = "lock_to",                                                                                     \
		.type = PARAM_ARRAY,                                                                                   \
		.max = LOCK_KEYS_MAX,                                                                                  \
		.help = "Public keys (hex) that can spend the token, and nobody else (NUT-11).",                       \
	},                                                                                                             \
		{                                                                                                      \
			.name = "lock_need",                                                                           \
			.type = PARAM_INT,                                                                             \
			.min = 1,                                                                                      \
			.max = LOCK_KEYS_MAX,                                                                          \
			.fallback = "1",                                                                               \
			.help = "How many of them must sign.",                                                         \
		},                                                                                                     \
		{                                                                                                      \
			.name = "lock_hash",                                                                           \
			.type = PARAM_STRING,                                                                          \
			.min = 64,                                                                                     \
			.max = 64,                                                                                     \
			.help = "SHA256 (hex) whose preimage it takes as well (NUT-14).",                              \
		},                                                                                                     \
		{                                                                                                      \
			.name = "locktime_s",                                                                          \
			.type = PARAM_INT,                                                                             \
			.min = 1,                                                                                      \
			.max = INT64_C(253402300799),                                                                  \
			.fallback = "none: it is locked for ever",                                                     \
			.help = "Unix time after which refund_to can spend it, too.",                                  \
		},                                                                                                     \
		{                                                                                                      \
			.name = "refund_to",                                                                           \
			.type = PARAM_ARRAY,                                                                           \
			.max = LOCK_KEYS_MAX,                                                                          \
			.fallback = "a key of this wallet",                                                            \
			.help = "Public keys that can spend it after the locktime; [] for anyone.",                    \
		},                                                                                                     \
		{                                                                                                      \
			.name = "refund_need",                                                                         \
			.type = PARAM_INT,                                                                             \
			.min = 1,                                                                                      \
			.max = LOCK_KEYS_MAX,                                                                          \
			.fallback = "1",                                                                               \
			.help = "How many of those must sign.",                                                        \
		},                                                                                                     \
	{                                                                                                              \
		.name = "lock_outputs", .type = PARAM_BOOL, .fallback = "false",                                       \
		.help = "What opens it is good for one exchange only, the receiver's own (SIG_ALL).",                  \
	}

#endif
