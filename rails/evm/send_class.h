/* rails/evm/send_class.h - what became of a raw transaction that was given to a node.  Implements the table of
 * spec/outbox.md 5.6; its order is part of the rule, and codes decide nothing. */
#ifndef RAILS_EVM_SEND_CLASS_H
#define RAILS_EVM_SEND_CLASS_H

#include "base/http_msg.h"
#include "base/ids.h"
#include "base/jsonrpc_msg.h"

/* Stored and shown by name: add, never rename. */
enum evm_send_class {
	EVM_SEND_OK = 1,          /* the node answered with our hash */
	EVM_SEND_KNOWN = 2,       /* it has it already */
	EVM_SEND_NONCE_LOW = 3,   /* that account nonce is mined; perhaps by this very transaction */
	EVM_SEND_NONCE_HIGH = 4,  /* the node lacks earlier ones */
	EVM_SEND_REPL_LOW = 5,    /* an older attempt is pooled, and this one pays too little to take its place */
	EVM_SEND_UNDERPRICED = 6, /* it pays too little for any place */
	EVM_SEND_FUNDS = 7,       /* the account cannot pay */
	EVM_SEND_POOL_FULL = 8,   /* the same later */
	EVM_SEND_INVALID = 9,     /* it can never be mined; nothing entered the pool */
	EVM_SEND_RESERVED = 10,   /* a blob transaction of the same account is pooled */
	EVM_SEND_REVERT = 11,     /* the node ran it, and the contract said no; nothing entered the pool */
	EVM_SEND_UNKNOWN = 12,    /* nobody knows: treat it as maybe sent */
	EVM_SEND_NOT_SENT = 13,   /* no byte reached the node */
	EVM_SEND_OTHER_HASH = 14  /* the node took it and names it differently: an alarm */
};
const char *evm_send_class_name(enum evm_send_class c);

enum evm_send_class evm_send_class_of_error(const struct jsonrpc_error *e);
/* Of the answer to evm_ask_send(); one with a flaw tells nothing. */
enum evm_send_class evm_send_class_of_answer(const struct jsonrpc_answer *answer, const struct hash32 *ours);
/* Of an exchange that brought no answer at all, or an HTTP status or a body that is none. */
enum evm_send_class evm_send_class_of_outcome(enum net_outcome outcome);
/* The same bytes went to two nodes: `before` became of them at the first, `now` at the second.  A no of the second that
 * ends a transaction is no end when the first may have taken it. */
enum evm_send_class evm_send_class_join(enum evm_send_class before, enum evm_send_class now);
/* Is it in that node's pool, or mined? */
bool evm_send_is_acknowledged(enum evm_send_class c);

#endif
