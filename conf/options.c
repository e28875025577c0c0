/* conf/options.c - the table, and what is done to one option by its row alone.  What is printed from it: print.c. */
#include "conf/options.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/amount.h"
#include "base/text.h"
#include "conf/evm.h"
#include "conf/mint_limit.h"
#include "conf/paths.h"

#define AT(field)      .at = offsetof(struct config, field)
#define PATH_MAX_BYTES 4095

static int check_socket(const char *value, struct err *err);
static int check_listen(const char *value, struct err *err);
static int check_uid_scope(const char *value, struct err *err);
static int check_log_level(const char *value, struct err *err);
static int check_proxy(const char *value, struct err *err);
static int check_group(const char *value, struct err *err);
static int check_node_url(const char *value, struct err *err);
static int check_lightning_url(const char *value, struct err *err);

const struct option options[] = {
	{ "network", OPTION_ENUM, OPTION_TOP, .choices = "mainnet|signet|testnet4|regtest", .fallback = "mainnet",
	  .arg = "NAME", AT(network), .help = "The bitcoin network. A database belongs to one network for ever." },
	{ "datadir", OPTION_PATH, OPTION_NEEDED, 1, PATH_MAX_BYTES, .arg = "DIR", AT(datadir),
	  .computed = "/var/lib/walletd for root, else $XDG_STATE_HOME/walletd or ~/.local/state/walletd; with the "
		      "network's name below it unless that is mainnet",
	  .help = "Where the wallet lives: wallet.db and walletd.lock. Mode 0700; made when it is missing." },

	{ "rpc_socket", OPTION_PATH, 0, 0, SOCKET_PATH_MAX, .arg = "PATH", AT(rpc_socket), .check = check_socket,
	  .computed = "in $RUNTIME_DIRECTORY under systemd; rpc.sock in datadir when that is set; else "
		      "/run/walletd/rpc.sock for root and $XDG_RUNTIME_DIR/walletd/rpc.sock",
	  .help = "The unix socket that JSON-RPC is served on. Empty: none." },
	{ "rpc_socket_mode", OPTION_MODE, 0, 0600, 0666, .fallback = "0660", .arg = "MODE", AT(rpc_socket_mode),
	  .help = "Permissions of the socket. With 0666 any user may connect, but has no rights except by "
		  "rpc_uid_scope." },
	{ "rpc_socket_group", OPTION_STRING, 0, 0, 64, .arg = "GROUP", AT(rpc_socket_group), .check = check_group,
	  .computed = "the group that walletd runs with",
	  .help = "The group, by name or number, that owns the socket. Its members have the scope admin." },
	{ "rpc_listen", OPTION_STRING, 0, 0, 64, .arg = "HOST:PORT", AT(rpc_listen), .check = check_listen,
	  .computed = "none",
	  .help = "Serve JSON-RPC on TCP too, such as 127.0.0.1:8338 or [::1]:8338. Loopback addresses only: the "
		  "connection is not encrypted. Port 0 takes any free one." },
	{ "rpc_uid_scope", OPTION_LIST, OPTION_RELOADABLE, 0, 64, .arg = "UID:SCOPE", AT(rpc_uid_scope),
	  .check = check_uid_scope, .computed = "none",
	  .help = "What the user with this number may do on the unix socket: read, receive, spend or admin. Goes "
		  "before what the user's group would give." },
	{ "rpc_max_connections", OPTION_INT, 0, 16, 65536, .fallback = "4096", .arg = "N", AT(rpc_max_connections),
	  .help = "Connections that are served at a time; more are turned away. Each takes a file descriptor." },

	{ "log_level", OPTION_LIST, OPTION_RELOADABLE, 0, 64, .fallback = "info", .arg = "[MODULE:]LEVEL",
	  AT(log_level), .check = check_log_level,
	  .help = "What is logged: error, warn, info or debug, for all modules or for one (net:debug)." },
	{ "log_format", OPTION_ENUM, OPTION_RELOADABLE, .choices = "logfmt|json", .fallback = "logfmt", .arg = "NAME",
	  AT(log_format), .help = "One line per event, as key=value or as a JSON object." },
	{ "log_file", OPTION_PATH, OPTION_RELOADABLE, 0, PATH_MAX_BYTES, .arg = "PATH", AT(log_file),
	  .computed = "standard error", .help = "Log to this file. SIGHUP opens it anew, as logrotate wants." },

	{ "passphrase_file", OPTION_PATH, 0, 0, PATH_MAX_BYTES, .arg = "PATH", AT(passphrase_file), .computed = "none",
	  .help = "Holds the wallet's passphrase on its first line; mode 0600. The wallet is unlocked with it at "
		  "start, and a wrong one ends walletd with exit code 78. The systemd credential "
		  "walletd.passphrase does the same and goes before it." },
	{ "allow_plaintext_seed", OPTION_BOOL, 0, .fallback = "0", AT(allow_plaintext_seed),
	  .help = "Let a wallet be created without a passphrase: whoever reads its database then owns the money." },

	{ "shared_state", OPTION_BOOL, 0, .fallback = "0", AT(shared_state),
	  .help = "Let several daemons that all set this share one datadir on one machine." },
	{ "max_inflight", OPTION_INT, OPTION_RELOADABLE, 1, 4096, .fallback = "256", .arg = "N", AT(max_inflight),
	  .help = "Steps of actions that are under way at a time. The number of connections follows at the next start." },
	{ "max_inflight_per_peer", OPTION_INT, OPTION_RELOADABLE, 1, 4096, .fallback = "16", .arg = "N",
	  AT(max_inflight_per_peer), .help = "The same for any one mint." },
	{ "shutdown_grace_s", OPTION_INT, OPTION_RELOADABLE, 0, 300, .fallback = "10", .arg = "SECONDS",
	  AT(shutdown_grace_s),
	  .help = "How long a stop waits for steps that are under way. Stopping at once is safe too." },
	{ "retention_days", OPTION_INT, OPTION_RELOADABLE, 0, 36500, .fallback = "365", .arg = "DAYS",
	  AT(retention_days),
	  .help = "How long ended actions are kept. 0: for ever. The ledger and idempotency keys always are." },
	{ "event_retention_days", OPTION_INT, OPTION_RELOADABLE, 0, 36500, .fallback = "90", .arg = "DAYS",
	  AT(event_retention_days), .help = "How long events can be asked for. 0: for ever." },
	{ "backup_max_age_days", OPTION_INT, 0, 1, 3650, .fallback = "7", .arg = "DAYS", AT(backup_max_age_days),
	  .help = "status asks for attention when the newest backup is older." },

	{ "proxy", OPTION_STRING, OPTION_RELOADABLE, 0, 512, .arg = "URL", AT(proxy), .check = check_proxy,
	  .mask = url_shown, .computed = "none",
	  .help = "Reach peers through this SOCKS5 proxy, which also looks up their names: "
		  "socks5h://127.0.0.1:9050 is Tor's." },
	{ "ca_file", OPTION_PATH, 0, 0, PATH_MAX_BYTES, .arg = "PATH", AT(ca_file), .computed = "the system's",
	  .help = "Certificate authorities to trust instead, in PEM." },

	{ "cashu_require_dleq", OPTION_BOOL, 0, .fallback = "0", AT(cashu_require_dleq),
	  .help = "Take ecash only where the mint proves its signatures (NUT-12). Without it proofs are checked "
		  "where there are any." },
	{ "cashu_trust", OPTION_ENUM, 0, .choices = "ask|any", .fallback = "ask", .arg = "POLICY", AT(cashu_trust),
	  .help = "Tokens of mints that are not known yet: ask refuses them until mint.add, any adds the mint." },
	{ "cashu_mint_limit", OPTION_LIST, 0, 0, CONF_MINT_LIMITS_MAX, .arg = "AMOUNT UNIT [URL]", AT(cashu_mint_limit),
	  .check = conf_mint_limit_check, .computed = "none",
	  .help = "How much may be kept at a mint at most, such as 100000 sat: at the one that URL names, else at each. "
		  "No token and no invoice is taken that would pass it." },

	{ "bitcoind_url", OPTION_LIST, 0, 0, CONF_NODES_MAX, .arg = "URL", AT(bitcoind_url), .check = check_node_url,
	  .mask = url_shown, .computed = "none: the on-chain wallet is at rest",
	  .help = "JSON-RPC of a bitcoind, such as http://127.0.0.1:8332: the eyes of the on-chain wallet. Of several "
		  "the first is asked as long as it answers. Its own wallet is not used. Reached without the proxy." },
	{ "bitcoind_cookie", OPTION_PATH, 0, 0, PATH_MAX_BYTES, .arg = "PATH", AT(bitcoind_cookie), .computed = "none",
	  .help = "The .cookie file that it is asked with, in bitcoind's datadir; read again after each of its "
		  "restarts." },
	{ "bitcoind_auth_file", OPTION_PATH, 0, 0, PATH_MAX_BYTES, .arg = "PATH", AT(bitcoind_auth_file),
	  .computed = "none",
	  .help = "Or a file of mode 0600 with user:password on its first line, as made for rpcauth." },
	{ "esplora_url", OPTION_LIST, 0, 0, CONF_NODES_MAX, .arg = "URL", AT(esplora_url), .check = check_node_url,
	  .mask = url_shown, .computed = "none",
	  .help = "Or the REST interface of an Esplora server, such as https://blockstream.info/api. It learns which "
		  "addresses are of one wallet: prefer your own, or set proxy." },
	{ "chain_poll_s", OPTION_INT, 0, 0, 3600, .fallback = "0", .arg = "SECONDS", AT(chain_poll_s),
	  .help = "How often the nodes are asked for new blocks and transactions. 0: every 10 s of bitcoind, every 30 s of "
		  "Esplora." },
	{ "onchain_confirmations", OPTION_INT, 0, 1, 100, .fallback = "6", .arg = "BLOCKS", AT(onchain_confirmations),
	  .help = "How many blocks make an on-chain payment done." },
	{ "onchain_max_feerate", OPTION_INT, 0, 1, 100000, .fallback = "500", .arg = "SAT/VB", AT(onchain_max_feerate),
	  .help = "No transaction pays more: a higher feerate is taken for a mistake." },
	{ "onchain_fallback_feerate", OPTION_INT, 0, 0, 1000, .fallback = "2", .arg = "SAT/VB",
	  AT(onchain_fallback_feerate),
	  .help = "What is paid by target while no node has an estimate. 0: then a feerate must be given." },
	{ "onchain_spend_change", OPTION_BOOL, 0, .fallback = "1", AT(onchain_spend_change),
	  .help = "Spend change of our own payments before a block has it, where confirmed coins are not enough." },
	{ "onchain_single_chain", OPTION_BOOL, 0, .fallback = "0", AT(onchain_single_chain),
	  .help = "Keep change on the chain of receiving addresses, for wallets that look there alone." },
	{ "exit_reserve_sat", OPTION_INT, 0, 0, (int64_t)SAT_MONEY_MAX, .fallback = "0", .arg = "SAT",
	  AT(exit_reserve_sat),
	  .help = "So much stays on chain, in confirmed coins and change, when others are paid: an exit pays its way with "
		  "it. A payment may say use_reserve=true." },

	{ "auto_exit", OPTION_ENUM, 0, .choices = "off|lost|on", .fallback = "lost", .arg = "WHEN", AT(auto_exit),
	  .help = "Which VTXOs are taken on chain without being asked for, when they are worth the fees: lost, those of "
		  "servers that are gone (exit.server); on, also those that must begin now or expire; off, none. One "
		  "that somebody else puts on chain is always followed." },
	{ "vtxo_exit_margin", OPTION_INT, 0, 1, 10000, .fallback = "12", .arg = "BLOCKS", AT(vtxo_exit_margin),
	  .help = "Blocks to spare between the end of an exit and the height at which the VTXO expires." },
	{ "exit_bump_after", OPTION_INT, 0, 1, 1000, .fallback = "3", .arg = "BLOCKS", AT(exit_bump_after),
	  .help = "Blocks that an exit's transaction and the child that pays for it may wait before the child pays more." },
	{ "exit_confirmations", OPTION_INT, 0, 1, 100, .fallback = "6", .arg = "N", AT(exit_confirmations),
	  .help = "Confirmations of a claim after which its exit is over." },
	{ "exit_max_fee_per_tick", OPTION_INT, 0, 0, (int64_t)SAT_MONEY_MAX, .fallback = "0", .arg = "SAT",
	  AT(exit_max_fee_per_tick),
	  .help = "So much is paid for exits in a minute, in all, and no less than for one of their transactions; what is "
		  "more waits, unless its deadline is near. 0: as much as it takes; each package keeps to "
		  "onchain_max_feerate." },
	{ "exit_auto_claim", OPTION_BOOL, 0, .fallback = "0", AT(exit_auto_claim),
	  .help = "Claim what exits have put on chain, into the on-chain wallet: when the fee is a hundredth of it at most, "
		  "or after 144 blocks. Otherwise exit.claim does." },
	{ "vtxo_alarm_blocks", OPTION_INT, 0, 1, 100000, .fallback = "1008", .arg = "BLOCKS", AT(vtxo_alarm_blocks),
	  .help = "status asks for attention so many blocks before an exit must begin." },

	{ "lightning_rpc", OPTION_PATH, 0, 0, SOCKET_PATH_MAX, .arg = "PATH", AT(lightning_rpc),
	  .computed = "none: there are no channels",
	  .help = "The JSON-RPC socket of a Core Lightning node, 26.06 or newer, such as "
		  "/var/lib/lightningd/bitcoin/lightning-rpc: its channels can be spliced. walletd must be allowed to "
		  "open it." },
	{ "lightning_url", OPTION_STRING, 0, 0, 512, .arg = "URL", AT(lightning_url), .check = check_lightning_url,
	  .computed = "none",
	  .help = "Or the gRPC interface of an ldk-server, such as https://127.0.0.1:3536. It tells less of a splice than Core "
		  "Lightning does: see docs/splices.md. Reached without the proxy." },
	{ "lightning_tls_cert", OPTION_PATH, 0, 0, PATH_MAX_BYTES, .arg = "PATH", AT(lightning_tls_cert),
	  .computed = "none",
	  .help = "The certificate that it must have, as PEM: the tls.crt in ldk-server's storage directory. No other "
		  "authority is asked." },
	{ "lightning_api_key", OPTION_PATH, 0, 0, PATH_MAX_BYTES, .arg = "PATH", AT(lightning_api_key),
	  .computed = "none",
	  .help = "A file of mode 0600 or less with the 32 bytes of its key: the api_key in the network's folder of "
		  "ldk-server's storage directory." },
	{ "splice_attempts", OPTION_INT, 0, 1, 100, .fallback = "3", .arg = "N", AT(splice_attempts),
	  .help = "How often a splice is negotiated anew after a round that came to nothing for another reason than a "
		  "lost connection. A fee bump has as many of its own." },
	{ "splice_disconnects", OPTION_INT, 0, 1, 10000, .fallback = "20", .arg = "N", AT(splice_disconnects),
	  .help = "How many rounds of a splice may be lost to a connection that broke." },
	{ "splice_deadline_s", OPTION_INT, 0, 0, 2592000, .fallback = "86400", .arg = "SECONDS", AT(splice_deadline_s),
	  .help = "A splice that is not signed so long after it was asked for is given up. 0: never. A splice may say "
		  "otherwise." },
	{ "splice_unseen_s", OPTION_INT, 0, 1, 86400, .fallback = "600", .arg = "SECONDS", AT(splice_unseen_s),
	  .help = "A splice that an ldk-server was given, and whose transaction is not seen so long while the peer is there, is "
		  "asked for once more. Too short a time may have it negotiated twice." },

	{ "evm_chain", OPTION_LIST, 0, 0, 64, .arg = "CHAIN rpc=URL confirmations=N ...", AT(evm_chain),
	  .check = conf_evm_chain_check, .mask = conf_evm_chain_shown, .computed = "none: there is no outbox",
	  .help = "An EVM chain that directives are carried to: its number, then words between blanks. Lines of the "
		  "same number add up. rpc=URL: a JSON-RPC endpoint, the preferred one first; up to 8, which are "
		  "failed over to. confirmations=N: how deep a transaction has to be to be final, or finalized, which "
		  "asks the chain; one of the two must be said. lanes=1: how many relayer accounts of the wallet send "
		  "(hd:0, hd:1, ...); or relayer=hd:N or relayer=file:NAME for each. block_time_ms=12000. Prices of a "
		  "unit of gas: max_fee_gwei=500, max_tip_gwei=50, min_tip_wei=100000000. max_tx_fee_gwei=1000000000: "
		  "what one transaction may cost at most (1 ether). max_day_fee_gwei=10000000000: the same for those of "
		  "24 hours. batch=200: directives in one transaction; 1 sends each alone. slots=16: transactions of "
		  "one relayer that may be open. log_range=5000: blocks of one search for logs. nonce_check=try: go on "
		  "when it cannot be read whether a directive's nonce is used; required waits. A comma in a URL is "
		  "written %2C." },
	{ "outbox_space", OPTION_LIST, 0, 0, CONF_OUTBOX_SPACES_MAX, .arg = "CHAIN contract=0x... signer=KEY ...",
	  AT(outbox_space), .check = conf_outbox_space_check, .computed = "none",
	  .help = "A nonce space that directives can be appended to: the number of an evm_chain, then words. "
		  "contract=0x...: the contract that verifies them. signer=hd:0: the wallet's signing key of this "
		  "number, or file:NAME, the key file keys/NAME.json in datadir. ordering=account: effects of one "
		  "account in the order of acceptance; signer: all of them; none. release_at=submitted: when the next "
		  "one of an order may follow; included; confirmed. halt_on_terminal=0: 1 keeps those behind a "
		  "directive that failed for good until somebody has decided about it. payload=checked: payloads must "
		  "have the shape that their action key asks for; any takes all. deploy_block=0: the block of the "
		  "contract's creation, where searches for its logs begin." },
	{ "outbox_linger_ms", OPTION_INT, 0, 0, 60000, .fallback = "50", .arg = "MS", AT(outbox_linger_ms),
	  .help = "How long a batch of directives waits to become full." },
	{ "outbox_claim_lease_s", OPTION_INT, 0, 10, 86400, .fallback = "420", .arg = "SECONDS",
	  AT(outbox_claim_lease_s),
	  .help = "After how long another daemon (shared_state) takes over directives that one has claimed and not "
		  "sent. An attempt at sending gets five sevenths of it, at most 300 s." },
	{ "outbox_max_open", OPTION_INT, 0, 1, 1000000000, .fallback = "5000000", .arg = "N", AT(outbox_max_open),
	  .help = "Directives that may be open at a time; more are refused as busy." },
	{ .key = NULL }
};
const size_t n_options = ARRAY_LEN(options) - 1;

const struct option *option_find(const char *key)
{
	for (const struct option *o = options; o->key; o++)
		if (strcmp(o->key, key) == 0)
			return o;
	return NULL;
}

char *option_env_name(struct arena *a, const struct option *o)
{
	char *name = arena_printf(a, "WALLETD_%s", o->key);

	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return name;
}

/* --- what the types cannot say --- */

static int check_socket(const char *value, struct err *err)
{
	size_t n = strlen(value);

	if (n > 0 && value[n - 1] == '/')
		return ERR(err, ERR_CONFIG, "is a directory, not a socket");
	return 0;
}

/* Whether it is a loopback address is the server's to say: it resolves nothing but numbers either. */
static int check_listen(const char *value, struct err *err)
{
	const char *colon = strrchr(value, ':');
	uint64_t port;

	if (!colon || colon == value || !parse_u64(colon + 1, 65535, &port))
		return ERR(err, ERR_CONFIG, "is not an address and a port such as 127.0.0.1:8338");
	if (memchr(value, ':', (size_t)(colon - value)) && (value[0] != '[' || colon[-1] != ']'))
		return ERR(err, ERR_CONFIG, "needs brackets around an IPv6 address, as in [::1]:8338");
	return 0;
}

static int check_group(const char *value, struct err *err)
{
	for (const char *p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.$", *p))
			return ERR(err, ERR_CONFIG, "is not the name or number of a group");
	return 0;
}

/* Credentials have a file of their own. */
static int check_node_url(const char *value, struct err *err)
{
	const char *host = text_starts(value, "http://")    ? value + strlen("http://")
			   : text_starts(value, "https://") ? value + strlen("https://")
							    : NULL;

	if (!host || !text_printable_ascii(value) || *host == '\0' || *host == '/' || strlen(value) > 1024)
		return ERR(err, ERR_CONFIG, "is not a URL such as http://127.0.0.1:8332");
	if (memchr(host, '@', strcspn(host, "/")))
		return ERR(err, ERR_CONFIG, "holds a user or password; they belong in bitcoind_auth_file");
	if (value[strlen(value) - 1] == '/')
		return ERR(err, ERR_CONFIG, "ends with a slash");
	return 0;
}

/* Only TLS: what is sent there moves money, and who can read it can send more for a minute. */
static int check_lightning_url(const char *value, struct err *err)
{
	const char *host = text_starts(value, "https://") ? value + strlen("https://") : NULL;

	if (!host || !text_printable_ascii(value) || *host == '\0' || *host == ':')
		return ERR(err, ERR_CONFIG, "is not a URL such as https://127.0.0.1:3536");
	if (strpbrk(host, "/@?# "))
		return ERR(err, ERR_CONFIG, "has more than a host and a port, as in https://127.0.0.1:3536");
	return 0;
}

int conf_uid_scope_parse(const char *entry, int64_t *ret_uid, const char **ret_scope, struct err *err)
{
	static const char *const scopes[] = { "read", "receive", "spend", "admin" };
	const char *colon = strchr(entry, ':');
	char digits[16];
	int64_t uid;

	if (!colon || colon - entry >= (ptrdiff_t)sizeof(digits))
		return ERR(err, ERR_CONFIG, "is not uid:scope, such as 1000:read");
	snprintf(digits, sizeof(digits), "%.*s", (int)(colon - entry), entry);
	if (!parse_i64(digits, 0, UINT32_MAX - 1, &uid))
		return ERR(err, ERR_CONFIG, "does not begin with the number of a user, as `id -u NAME` tells it");
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		if (strcmp(colon + 1, scopes[i]) == 0) {
			*ret_uid = uid;
			*ret_scope = scopes[i];
			return 0;
		}
	return ERR(err, ERR_CONFIG, "does not end with a scope: read, receive, spend or admin");
}

static int check_uid_scope(const char *value, struct err *err)
{
	const char *scope;
	int64_t uid;

	return conf_uid_scope_parse(value, &uid, &scope, err);
}

#define MODULE_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_."

static const char *const log_levels[] = { "error", "warn", "info", "debug" };

int conf_log_level_parse(struct arena *a, const char *entry, const char **ret_module, const char **ret_level,
			 struct err *err)
{
	const char *colon = strrchr(entry, ':');
	const char *level = colon ? colon + 1 : entry;

	if (colon && (colon == entry || strspn(entry, MODULE_CHARS) != (size_t)(colon - entry)))
		return ERR(err, ERR_CONFIG, "names no module before the colon");
	for (size_t i = 0; i < ARRAY_LEN(log_levels); i++)
		if (strcmp(level, log_levels[i]) == 0) {
			*ret_module = colon ? arena_strndup(a, entry, (size_t)(colon - entry)) : NULL;
			*ret_level = log_levels[i];
			return 0;
		}
	return ERR(err, ERR_CONFIG, "is not a level (error, warn, info, debug) or module:level");
}

static int check_log_level(const char *value, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(8192);
	const char *module, *level;

	return conf_log_level_parse(&a, value, &module, &level, err);
}

static int check_proxy(const char *value, struct err *err)
{
	if (!text_starts(value, "socks5h://") || value[strlen("socks5h://")] == '\0')
		return ERR(err, ERR_CONFIG,
			   "does not look like socks5h://host:port; other proxies, and name look-ups "
			   "beside the proxy, are not supported");
	return 0;
}

/* --- values --- */

static void *place(const struct option *o, struct config *c)
{
	return (char *)c + o->at;
}

static const void *place_const(const struct option *o, const struct config *c)
{
	return (const char *)c + o->at;
}

/* The checks say what is wrong as the end of a sentence; its subject is put in front here. */
static int refuse(struct err *err, const struct option *o, const char *value)
{
	struct err why = *err;

	/* What is wrong about a text that may hold a secret is said without it. */
	if (o->mask)
		ERR(err, ERR_CONFIG, "%s: the value %s", o->key, why.msg);
	else
		ERR(err, ERR_CONFIG, "%s: \"%.80s\" %s", o->key, value, why.msg);
	return err_field(err, o->key);
}

static int set_text(struct arena *a, const struct option *o, const char *value, struct config *to, struct err *err)
{
	const char **at = place(o, to);
	size_t n = strlen(value);

	if (n == 0) {
		if (o->flags & OPTION_NEEDED)
			return ERR(err, ERR_CONFIG, "must not be empty");
		*at = NULL;
		return 0;
	}
	if (n < (size_t)o->min || n > (size_t)o->max)
		return ERR(err, ERR_CONFIG, "is longer than %" PRId64 " bytes", o->max);
	if (o->check && o->check(value, err) != 0)
		return -1;
	*at = arena_strdup(a, value);
	return 0;
}

static int set_path(struct arena *a, const struct option *o, const char *value, const char *base, struct config *to,
		    struct err *err)
{
	if (value[0] == '/' || value[0] == '\0')
		return set_text(a, o, value, to, err);
	if (!base)
		return ERR(err, ERR_CONFIG, "is not an absolute path");
	if (value[0] == '.' && value[1] == '/')
		value += 2;
	return set_text(a, o, arena_printf(a, "%s/%s", strcmp(base, "/") == 0 ? "" : base, value), to, err);
}

static int set_int(const struct option *o, const char *value, struct config *to, struct err *err)
{
	int64_t v;

	if (!parse_i64(value, o->min, o->max, &v))
		return ERR(err, ERR_CONFIG, "is not a whole number from %" PRId64 " to %" PRId64, o->min, o->max);
	*(int64_t *)place(o, to) = v;
	return 0;
}

static int set_mode(const struct option *o, const char *value, struct config *to, struct err *err)
{
	size_t n = strlen(value);
	int64_t v = 0;

	if (n >= 3 && n <= 4 && strspn(value, "01234567") == n)
		for (size_t i = 0; i < n; i++)
			v = v * 8 + (value[i] - '0');
	/* Connecting to a socket takes the right to write; its owner always has both rights. */
	if ((v & 0600) != 0600 || (v & ~(int64_t)0666) != 0)
		return ERR(err, ERR_CONFIG, "is not a mode from 0600 to 0666, such as 0660");
	*(int64_t *)place(o, to) = v;
	return 0;
}

static int set_bool(const struct option *o, const char *value, struct config *to, struct err *err)
{
	static const char *const words[][2] = { { "0", "1" }, { "false", "true" }, { "no", "yes" }, { "off", "on" } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int v = 0; v < 2; v++)
			if (strcmp(value, words[i][v]) == 0) {
				*(bool *)place(o, to) = v == 1;
				return 0;
			}
	return ERR(err, ERR_CONFIG, "is neither 1 nor 0");
}

/* The n-th choice of "a|b|c"; false past the end. */
static bool choice_at(const char *choices, int n, struct bytes *ret)
{
	const char *p = choices;

	for (; n > 0; n--) {
		p = strchr(p, '|');
		if (!p)
			return false;
		p++;
	}
	*ret = (struct bytes){ (const uint8_t *)p, strcspn(p, "|") };
	return true;
}

static int set_enum(const struct option *o, const char *value, struct config *to, struct err *err)
{
	struct bytes choice;

	for (int i = 0; choice_at(o->choices, i, &choice); i++)
		if (bytes_equal(choice, bytes_of(value))) {
			*(int *)place(o, to) = i;
			return 0;
		}
	return ERR(err, ERR_CONFIG, "is not one of %s", o->choices);
}

static int set_list(struct arena *a, const struct option *o, const char *value, struct config *to, struct err *err)
{
	const char **items = ARENA_ARRAY(a, (size_t)o->max, const char *);
	size_t n = 0;

	for (const char *p = value; *p;) {
		size_t len = strcspn(p, ","), skip = strspn(p, " \t");
		const char *next = p + len + (p[len] == ',');
		const char *item;

		p += skip < len ? skip : len;
		for (len = (size_t)(next - p) - (next[-1] == ','); len > 0 && isspace((unsigned char)p[len - 1]);)
			len--;
		item = arena_strndup(a, p, len);
		p = next;
		if (len == 0)
			return ERR(err, ERR_CONFIG, "has an empty entry");
		if (n == (size_t)o->max)
			return ERR(err, ERR_CONFIG, "has more than %" PRId64 " entries", o->max);
		if (o->check(item, err) != 0)
			return -1;
		items[n++] = item;
	}
	*(struct conf_list *)place(o, to) = (struct conf_list){ items, n };
	return 0;
}

int option_set(struct arena *a, const struct option *o, const char *value, const char *base, struct config *to,
	       struct err *err)
{
	int rc = -1;

	if (!utf8_valid(bytes_of(value)))
		ERR(err, ERR_CONFIG, "is not UTF-8");
	else
		switch (o->type) {
		case OPTION_STRING:
			rc = set_text(a, o, value, to, err);
			break;
		case OPTION_PATH:
			rc = set_path(a, o, value, base, to, err);
			break;
		case OPTION_INT:
			rc = set_int(o, value, to, err);
			break;
		case OPTION_MODE:
			rc = set_mode(o, value, to, err);
			break;
		case OPTION_BOOL:
			rc = set_bool(o, value, to, err);
			break;
		case OPTION_ENUM:
			rc = set_enum(o, value, to, err);
			break;
		case OPTION_LIST:
			rc = set_list(a, o, value, to, err);
			break;
		}
	return rc == 0 ? 0 : refuse(err, o, value);
}

static const char *shown(struct arena *a, const struct option *o, const char *text)
{
	return o->mask ? o->mask(a, text) : text;
}

bool option_hides(const struct option *o, const char *value)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);

	return strcmp(shown(&a, o, value), value) != 0;
}

static const char *list_text(struct arena *a, const struct option *o, const struct conf_list *l)
{
	SCOPED(buf) struct buf text = BUF_CAP(1024 * 1024);

	for (size_t i = 0; i < l->n; i++) {
		buf_text_add(&text, i ? "," : "");
		buf_text_add(&text, shown(a, o, l->items[i]));
	}
	return arena_strdup(a, buf_ok(&text) ? buf_text(&text) : "...");
}

const char *option_text(struct arena *a, const struct option *o, const struct config *c)
{
	const void *at = place_const(o, c);
	struct bytes choice;

	switch (o->type) {
	case OPTION_STRING:
	case OPTION_PATH: {
		const char *text = *(const char *const *)at;

		return text ? shown(a, o, text) : "";
	}
	case OPTION_INT:
		return arena_printf(a, "%" PRId64, *(const int64_t *)at);
	case OPTION_MODE:
		return arena_printf(a, "%04" PRIo64, (uint64_t) * (const int64_t *)at);
	case OPTION_BOOL:
		return *(const bool *)at ? "1" : "0";
	case OPTION_ENUM:
		return choice_at(o->choices, *(const int *)at, &choice)
			       ? arena_strndup(a, (const char *)choice.p, choice.n)
			       : "";
	case OPTION_LIST:
		return list_text(a, o, at);
	}
	return "";
}

static size_t place_size(const struct option *o)
{
	switch (o->type) {
	case OPTION_STRING:
	case OPTION_PATH:
		return sizeof(const char *);
	case OPTION_INT:
	case OPTION_MODE:
		return sizeof(int64_t);
	case OPTION_BOOL:
		return sizeof(bool);
	case OPTION_ENUM:
		return sizeof(int);
	case OPTION_LIST:
		return sizeof(struct conf_list);
	}
	return 0;
}

void option_copy(const struct option *o, const struct config *from, struct config *to)
{
	memcpy(place(o, to), place_const(o, from), place_size(o));
}

static bool lists_differ(const struct conf_list *x, const struct conf_list *y)
{
	if (x->n != y->n)
		return true;
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->items[i], y->items[i]) != 0)
			return true;
	return false;
}

/* Texts are compared as they are: a masked one hides a change. */
bool option_differs(const struct option *o, const struct config *x, const struct config *y)
{
	const void *at_x = place_const(o, x), *at_y = place_const(o, y);
	const char *text_x, *text_y;

	switch (o->type) {
	case OPTION_STRING:
	case OPTION_PATH:
		text_x = *(const char *const *)at_x;
		text_y = *(const char *const *)at_y;
		return !text_x || !text_y ? text_x != text_y : strcmp(text_x, text_y) != 0;
	case OPTION_LIST:
		return lists_differ(at_x, at_y);
	case OPTION_INT:
	case OPTION_MODE:
	case OPTION_BOOL:
	case OPTION_ENUM:
		return memcmp(at_x, at_y, place_size(o)) != 0;
	}
	return false;
}
