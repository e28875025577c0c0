/* base/directive.h - what every room must agree on of a directive's size (spec/outbox.md 2.1): rails/evm signs it, store/ keeps
 * it, outbox/ and rpc/ take it in, and neither rail nor store knows the other. */
#ifndef BASE_DIRECTIVE_H
#define BASE_DIRECTIVE_H

#define DIRECTIVE_ID_MAX      128   /* bytes of text */
#define DIRECTIVE_PAYLOAD_MAX 16384 /* bytes */

#endif
