/* conf/mint_limit.h - how much ecash may be kept at a mint, as the operator writes it:
 *
 *	cashu_mint_limit=100000 sat                            at each mint
 *	cashu_mint_limit=500000 sat https://mint.example.com   at this one
 *
 * Errors: ERR_CONFIG, worded as the end of a sentence whose subject is the value. */
#ifndef CONF_MINT_LIMIT_H
#define CONF_MINT_LIMIT_H

#include "conf/conf.h"

#define CONF_MINT_LIMITS_MAX 64
#define CONF_UNIT_MAX        15

struct conf_mint_limit {
	uint64_t amount;
	char unit[CONF_UNIT_MAX + 1];
	const char *url; /* NULL: each mint that no other line names; points into the entry */
};
/* One entry. */
MUST_CHECK int conf_mint_limit_read(const char *entry, struct conf_mint_limit *ret, struct err *err);
/* The same, to be checked only. */
MUST_CHECK int conf_mint_limit_check(const char *entry, struct err *err);

#endif
