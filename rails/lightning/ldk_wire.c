#include "rails/lightning/ldk_wire.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#define WORDS_MAX   256
#define DECIMAL_MAX 39 /* digits of 2^128 - 1 */
#define ID_BYTES    16

/* --- requests --- */

/* "HMAC <seconds>:<hex>", over the time and the whole body, with the key as the node has it: as text. */
static const char *authorization(struct arena *a, const struct ln_node *node, struct bytes body)
{
	SCOPED(buf) struct buf covered = BUF_CAP(8 + body.n), key = BUF_SECRET(2 * sizeof(node->key->b) + 1);
	char hex[2 * sizeof(node->key->b) + 1];
	uint8_t mac[32];

	hex_encode(node->key->b, sizeof(node->key->b), hex);
	buf_add(&key, hex, sizeof(hex) - 1);
	secret_wipe(hex, sizeof(hex));
	buf_be64(&covered, (uint64_t)node->now_s);
	buf_add_bytes(&covered, body);
	hmac_sha256(buf_bytes(&key), buf_bytes(&covered), mac);
	return arena_printf(a, "HMAC %" PRId64 ":%s", node->now_s, hex_text(a, (struct bytes){ mac, sizeof(mac) }));
}

int ldk_request(struct arena *a, const struct ln_node *node, const char *method, struct bytes message, bool writes,
		struct net_request *ret, struct err *err)
{
	SCOPED(buf) struct buf frame = BUF_CAP(LDK_FRAME_HEAD + message.n);

	if (message.n > LDK_MESSAGE_MAX || !arena_room(a, message.n + 2048 + strlen(node->url)))
		return ERR(err, ERR_RANGE, "%s: a request of %zu bytes", method, message.n);
	buf_u8(&frame, 0);
	buf_be32(&frame, (uint32_t)message.n);
	buf_add_bytes(&frame, message);
	*ret = (struct net_request){
		.method = "POST",
		.url = arena_printf(a, "%s/api.LightningNode/%s", node->url, method),
		.content_type = "application/grpc+proto",
		.body = arena_bytes(a, buf_bytes(&frame)),
		.timeout_ms = LN_READ_MS,
		.max_reply = LDK_MESSAGE_MAX + LDK_FRAME_HEAD,
		.grpc = true,
		.direct = true,
		.ca_file = node->ca_file,
		.changes_state = writes,
	};
	ret->headers[ret->n_headers++] = (struct http_header){ "te", "trailers" };
	ret->headers[ret->n_headers++] = (struct http_header){ "x-auth", authorization(a, node, ret->body) };
	return 0;
}

/* --- replies --- */

/* Percent-decoded, and harmless: what is not printable ASCII is blank. */
static void words_of(const char *text, char ret[WORDS_MAX + 1])
{
	size_t n = 0;

	for (; *text && n < WORDS_MAX; text++) {
		char c = *text;
		uint8_t decoded;

		if (c == '%' && text[1] && text[2] &&
		    hex_decode_public((struct bytes){ (const uint8_t *)text + 1, 2 }, &decoded)) {
			c = (char)decoded;
			text += 2;
		}
		ret[n++] = c >= 0x20 && c < 0x7f ? c : ' ';
	}
	ret[n] = '\0';
}

int ldk_message(struct arena *a, const struct net_reply *rep, const char *method, struct bytes *ret, struct err *err)
{
	struct reader r = reader_of(rep->body);
	char words[WORDS_MAX + 1];
	uint8_t compressed;
	struct bytes message;
	uint32_t n;

	(void)a;
	if (rep->outcome != NET_ANSWERED)
		return ERR(err, rep->outcome == NET_NOT_SENT ? ERR_PEER_DOWN : ERR_TIMEOUT, "%s: %s", method,
			   rep->detail);
	if (rep->status != 200 || !rep->has_grpc_status)
		return ERR(err, ERR_PEER_INVALID, "%s: not the reply to a call (HTTP %d)", method, rep->status);
	if (rep->grpc_status != 0) {
		bool refused = rep->grpc_status == LDK_UNAUTHENTICATED;

		words_of(rep->grpc_message, words);
		ERR(err, refused ? ERR_PEER_AUTH : ERR_PEER, "%s: %s", method, words);
		err->peer_code = rep->grpc_status;
		return refused ? err_hint(err, "lightning_api_key, and whether both clocks are right to the minute")
			       : -1;
	}
	compressed = read_u8(&r);
	n = read_be32(&r);
	message = read_bytes(&r, n);
	if (!reader_at_end(&r) || compressed != 0)
		return ERR(err, ERR_PEER_INVALID, "%s: the reply is not one message", method);
	*ret = message;
	return 0;
}

struct splice_trouble ldk_trouble(const struct err *err)
{
	struct splice_trouble t = { .sign = TROUBLE_PROBE };

	if (err->code == ERR_PEER_DOWN || err->code == ERR_PEER_AUTH) {
		t.sign = TROUBLE_PARK;
		t.wait = SPLICE_WAIT_NODE_UNREACHABLE;
		t.alarm = err->code == ERR_PEER_AUTH; /* another key, or a clock that is wrong */
		t.untouched = true;
		return t;
	}
	if (err->code != ERR_PEER) {
		t.alarm = err->code != ERR_TIMEOUT;
		return t;
	}
	switch (err->peer_code) {
	case LDK_DEADLINE:
	case LDK_UNAVAILABLE:
		return t;
	case LDK_INVALID_ARGUMENT:
		t.sign = TROUBLE_CLASS;
		t.why = SPLICE_INVALID;
		t.untouched = true;
		return t;
	case LDK_UNIMPLEMENTED:
		t.sign = TROUBLE_TOO_OLD;
		t.untouched = true;
		return t;
	}
	/* Refused; or broken, or a number of tomorrow, after which nobody knows. */
	t.sign = TROUBLE_CLASS;
	t.why = SPLICE_UNKNOWN;
	t.untouched = err->peer_code == LDK_FAILED_PRECONDITION;
	return t;
}

/* --- the name of a channel --- */

/* v * 10 + digit; false: it has no room for that. */
static bool times_ten_and(uint8_t v[ID_BYTES], unsigned digit)
{
	unsigned carry = digit;

	for (size_t i = ID_BYTES; i-- > 0;) {
		carry += v[i] * 10u;
		v[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

bool ldk_channel_id(const char *decimal, struct hash32 *ret)
{
	size_t n = strlen(decimal);
	struct hash32 id = { { 0 } };

	if (n == 0 || n > DECIMAL_MAX || (n > 1 && decimal[0] == '0') || strspn(decimal, "0123456789") != n)
		return false;
	for (; *decimal; decimal++)
		if (!times_ten_and(id.b + sizeof(id.b) - ID_BYTES, (unsigned)(*decimal - '0')))
			return false;
	*ret = id;
	return true;
}
