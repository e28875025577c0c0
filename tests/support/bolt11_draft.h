/* tests/support/bolt11_draft.h - writes BOLT11 invoices, good and bad ones: the reader's half is rails/lightning/bolt11. */
#ifndef TESTS_SUPPORT_BOLT11_DRAFT_H
#define TESTS_SUPPORT_BOLT11_DRAFT_H

#include "base/arena.h"
#include "base/ids.h"
#include "base/secret.h"

#define DRAFT_GROUPS_MAX 8192

/* What will be signed: groups of five bits. */
struct bolt11_draft {
	const char *hrp; /* "lnbcrt10u" */
	uint8_t v[DRAFT_GROUPS_MAX];
	size_t n;
};

void draft_begin(struct bolt11_draft *d, const char *hrp, int64_t made_at_s);
void draft_put(struct bolt11_draft *d, uint64_t value, unsigned groups); /* bare groups, the highest first */
/* Fields.  tag is Bech32's letter for the type: 'p', 's', 'd', … */
void draft_bytes(struct bolt11_draft *d, char tag, const void *p, size_t n);
void draft_text(struct bolt11_draft *d, char tag, const char *text);
void draft_number(struct bolt11_draft *d, char tag, uint64_t value, unsigned groups);

enum draft_signature { DRAFT_SIGNED, DRAFT_HIGH_S, DRAFT_OTHER_RECOVERY };
/* The whole invoice.  The draft can be signed again. */
char *draft_sign(struct arena *a, const struct bolt11_draft *d, const struct secret *key, enum draft_signature how);

#endif
