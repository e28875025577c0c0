/* rails/cashu/mint_url.h - one spelling for each mint. */
#ifndef RAILS_CASHU_MINT_URL_H
#define RAILS_CASHU_MINT_URL_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"

/* Trims white space, lowers scheme and host, drops a port that is the scheme's own, keeps the path's case, strips
 * trailing slashes.  Only http and https; no user, query or fragment.  ERR_PARAM with field "mint". */
MUST_CHECK int mint_url_normalise(const char *text, char ret[MINT_URL_MAX + 1], struct err *err);
/* mint || path, path beginning with '/'. */
char *mint_url_join(struct arena *a, const char *mint, const char *path);
/* mint || path || segment, the segment percent-encoded where it must be. */
char *mint_url_join_segment(struct arena *a, const char *mint, const char *path, const char *segment);

#endif
