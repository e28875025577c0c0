/* rpc/walletctl/term.h - text of others made fit for a terminal.
 *
 * A peer's words, a label, a memo may hold what a terminal obeys: escape sequences, line breaks that forge a row, marks
 * that reverse the direction of text.  Those leave as \uXXXX, which is also what JSON calls them, so that JSON stays the
 * same JSON.  Bytes that are not UTF-8 become U+FFFD. */
#ifndef RPC_WALLETCTL_TERM_H
#define RPC_WALLETCTL_TERM_H

#include <stdio.h>

#include "base/buf.h"

/* Once at start: widths are those of UTF-8, whatever the user's locale. */
void term_init(void);
void term_line(struct buf *to, const char *text);  /* line breaks and tabs are escaped as well */
void term_lines(struct buf *to, const char *text); /* they are kept */
/* The columns that safe text takes. */
size_t term_width(const char *text);
/* The columns of the terminal that f is, 80 when it does not tell; 0 when it is none. */
unsigned term_columns(FILE *f);

#endif
