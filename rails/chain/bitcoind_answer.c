#include "rails/chain/bitcoind_answer.h"

#include "rails/chain/bitcoind_call.h"
#include "rails/chain/fields.h"

#define HTTP_UNAUTHORIZED 401
#define HTTP_FORBIDDEN    403
#define HTTP_TOO_MANY     429
#define HTTP_UNAVAILABLE  503

/* A transaction of 100,000 vB told in full has some 20,000 values; a mempool has one for each of BITCOIND_LIST_MAX. */
const struct jsonrpc_rules bitcoind_reply_rules = {
	.loose = true,
	.reals_as_text = true,
	.max_bytes = BITCOIND_REPLY_MAX,
	.max_values = 2 * BITCOIND_LIST_MAX,
};

/* --- did it answer? --- */

static int no_answer(const struct net_reply *rep, enum err_code code, const char *what, struct err *err)
{
	(void)ERR(err, code, "%s (HTTP %d)", what, rep->status);
	err->peer_code = rep->status;
	err->retry_after_s = rep->retry_after_s;
	return -1;
}

/* 1.x puts errors under 500, unknown methods under 404 and bad requests under 400, with a body like any other. */
int bitcoind_status(const struct net_reply *rep, struct err *err)
{
	if (rep->outcome != NET_ANSWERED)
		return ERR(err, ERR_PEER_DOWN, "%s", rep->detail);
	switch (rep->status) {
	case HTTP_UNAUTHORIZED:
		return no_answer(rep, ERR_PEER_AUTH, "the node does not take our user and password", err);
	case HTTP_FORBIDDEN:
		return no_answer(rep, ERR_PEER_AUTH, "the node does not let us in from here, or not to this method",
				 err);
	case HTTP_TOO_MANY:
	case HTTP_UNAVAILABLE:
		return no_answer(rep, ERR_PEER_BUSY, "the node has too much to do", err);
	case 200:
	case 400:
	case 404:
	case 500:
		return 0;
	default:
		return no_answer(rep, ERR_PEER_DOWN, "not the reply of a node", err);
	}
}

static int flaw(const struct net_reply *rep, const struct jsonrpc_reply *reply, struct err *err)
{
	if (reply->flaw == JSONRPC_ONE_ERROR && reply->refusal.code == BITCOIND_RPC_WARMING_UP)
		return ERR(err, ERR_PEER_BUSY, "the node is warming up: %s", reply->refusal.message);
	if (reply->flaw == JSONRPC_ONE_ERROR)
		return REFUSE(err, "the node takes no batches: %s", reply->refusal.message);
	if (rep->status == 200)
		return REFUSE(err, "%s", jsonrpc_flaw_text(reply->flaw));
	return no_answer(rep, ERR_PEER_DOWN, jsonrpc_flaw_text(reply->flaw), err);
}

int bitcoind_judge(struct arena *a, const struct net_reply *rep, size_t n, struct jsonrpc_reply *ret, struct err *err)
{
	struct jsonrpc_reply reply;

	if (bitcoind_status(rep, err) != 0)
		return -1;
	jsonrpc_decode(a, rep->body, n, &bitcoind_reply_rules, &reply);
	if (reply.flaw != JSONRPC_FINE)
		return flaw(rep, &reply, err);
	for (size_t i = 0; i < reply.n; i++) {
		const struct jsonrpc_answer *answer = &reply.answers[i];

		if (answer->flaw != JSONRPC_FINE)
			return REFUSE(err, "%s", jsonrpc_flaw_text(answer->flaw));
		if (answer->result == NULL && answer->error.code == BITCOIND_RPC_WARMING_UP)
			return ERR(err, ERR_PEER_BUSY, "the node is warming up: %s", answer->error.message);
	}
	*ret = reply;
	return 0;
}

int bitcoind_result(const struct jsonrpc_answer *answer, json_t **ret, struct err *err)
{
	if (jsonrpc_result(answer, ret, err) == 0)
		return 0;
	if (err->code != ERR_PEER || err->peer_code != BITCOIND_RPC_METHOD_NOT_FOUND)
		return -1;
	return ERR(err, ERR_UNSUPPORTED, "the node is too old: %s", answer->error.message);
}

bool bitcoind_is_error(const struct jsonrpc_answer *answer, int code)
{
	return answer->flaw == JSONRPC_FINE && answer->result == NULL && answer->error.code == code;
}

int bitcoind_result_unless(const struct jsonrpc_answer *answer, int absent, bool *found, json_t **ret, struct err *err)
{
	*found = !bitcoind_is_error(answer, absent);
	return *found ? bitcoind_result(answer, ret, err) : 0;
}

int bitcoind_object(const struct jsonrpc_answer *answer, const json_t **ret, struct err *err)
{
	json_t *v;

	if (bitcoind_result(answer, &v, err) != 0)
		return -1;
	if (!json_is_object(v))
		return REFUSE(err, "the result is not an object");
	*ret = v;
	return 0;
}
