#include "outbox/endpoint_reply.h"

#include "rails/evm/rpc_error.h"
#include "rails/evm/rpc_reply.h"

#define HTTP_OK         200
#define HTTP_TOO_MANY   429
#define HTTP_UNAVAIL    503
#define HTTP_SERVER_ERR 500

static int busy(const struct net_reply *rep, struct err *err)
{
	ERR(err, ERR_PEER_BUSY, "HTTP %d", rep->status);
	err->peer_code = rep->status;
	err->retry_after_s = rep->retry_after_s;
	return -1;
}

static int down(const struct net_reply *rep, struct err *err)
{
	ERR(err, ERR_PEER_DOWN, "HTTP %d", rep->status);
	err->peer_code = rep->status;
	return -1;
}

/* Some nodes put an error about a call under a status of 400. */
static int status_check(const struct net_reply *rep, struct err *err)
{
	if (rep->outcome != NET_ANSWERED)
		return ERR(err, ERR_PEER_DOWN, "%s", rep->detail);
	if (rep->status == HTTP_TOO_MANY || (rep->status == HTTP_UNAVAIL && rep->retry_after_s > 0))
		return busy(rep, err);
	if (rep->status >= HTTP_SERVER_ERR || (rep->status > HTTP_OK && rep->status < 400))
		return down(rep, err);
	return 0;
}

static int throttled(const struct jsonrpc_error *e, struct err *err)
{
	return ERR(err, ERR_PEER_BUSY, "%s", e->message);
}

/* One answer that is one will do: the caller sees which calls have none. */
static int answers_check(const struct jsonrpc_reply *reply, struct err *err)
{
	const struct jsonrpc_answer *last = &reply->answers[reply->n - 1];

	for (size_t i = 0; i < reply->n; i++) {
		const struct jsonrpc_answer *a = &reply->answers[i];

		if (a->flaw == JSONRPC_FINE && (a->result != NULL || !evm_error_is_endpoint_failure(&a->error)))
			return 0;
	}
	if (last->flaw == JSONRPC_FINE)
		return throttled(&last->error, err);
	return ERR(err, ERR_PEER_INVALID, "%s", jsonrpc_flaw_text(last->flaw));
}

enum endpoint_verdict endpoint_judge(struct arena *a, const struct net_reply *rep, size_t first, size_t n,
				     struct jsonrpc_reply *ret, struct err *err)
{
	if (status_check(rep, err) != 0)
		return ENDPOINT_FAILED;
	if (n == 1)
		jsonrpc_decode_one(a, rep->body, first, &evm_reply_rules, ret);
	else
		jsonrpc_decode(a, rep->body, n, &evm_reply_rules, ret);
	if (ret->flaw == JSONRPC_FINE)
		return answers_check(ret, err) == 0 ? ENDPOINT_ANSWERED : ENDPOINT_FAILED;
	if (rep->status != HTTP_OK && ret->flaw != JSONRPC_ONE_ERROR)
		(void)down(rep, err);
	else if (ret->flaw != JSONRPC_ONE_ERROR)
		ERR(err, ERR_PEER_INVALID, "%s", jsonrpc_flaw_text(ret->flaw));
	else if (evm_error_is_endpoint_failure(&ret->refusal))
		(void)throttled(&ret->refusal, err);
	else
		return ENDPOINT_NO_BATCHES;
	return ENDPOINT_FAILED;
}
