-- All calls about OCSP.
local libtls = require('libtls')
local config = require('libtls.config')
local given = require('given')
local all, is, fails = given.all, given.is, given.fails

local getters = { 'cert_status', 'crl_reason', 'next_update', 'response_status', 'result', 'revocation_time', 'this_update' }

local function connected(set)
  local cfg = config.new()
  cfg:set_ca_file(given.path('ca.pem'))
  if set then set(cfg) end
  local ctx = assert(libtls.client(cfg))
  assert(ctx:connect('localhost', given.port))
  return ctx
end

-- nothing is known before the handshake
local ctx = connected(function(cfg) cfg:ocsp_require_stapling() end)
for _, name in ipairs(getters) do
  fails(all(ctx['peer_ocsp_' .. name](ctx)), nil, 'no OCSP response')
end
fails(all(ctx:peer_ocsp_url()), nil, 'no OCSP URLs')
fails(all(ctx:ocsp_process_response(given.file('good.der'))), false, 'no peer certificate')

-- the staple has been judged
assert(ctx:handshake())
local now = os.time()
is(all(ctx:peer_ocsp_cert_status()), libtls.OCSP_CERT_GOOD)
is(all(ctx:peer_ocsp_crl_reason()), 0)
is(all(ctx:peer_ocsp_response_status()), libtls.OCSP_RESPONSE_SUCCESSFUL)
is(all(ctx:peer_ocsp_result()), 'good')
is(all(ctx:peer_ocsp_url()), 'http://ocsp.test/')
assert(ctx:peer_ocsp_this_update() < now and now < ctx:peer_ocsp_next_update())
fails(all(ctx:peer_ocsp_revocation_time()), nil, 'does not say')

-- responses from elsewhere
is(all(ctx:ocsp_process_response(given.file('unknown.der'))), true)
is(all(ctx:peer_ocsp_cert_status(), ctx:peer_ocsp_result()), libtls.OCSP_CERT_UNKNOWN, 'unknown')
is(all(ctx:ocsp_process_response(given.file('good.der'))), true)
is(all(ctx:peer_ocsp_result()), 'good')
is(all(ctx:ocsp_process_response('junk')), false, 'unable to parse OCSP response')
is(all(ctx:ocsp_process_response(given.file('other.der'))), false, 'ocsp verify failed: no result for cert')
is(all(ctx:ocsp_process_response(given.file('stale.der'))), false, 'ocsp verify failed: ocsp response not current')
is(all(ctx:peer_ocsp_result(), ctx:peer_ocsp_url()), 'good', 'http://ocsp.test/') -- what was known stays
fails(all(ctx:ocsp_process_response(given.file('revoked.der'))), false, 'ocsp verify failed: revoked cert - keyCompromise')
is(all(ctx:peer_ocsp_cert_status(), ctx:peer_ocsp_crl_reason()), libtls.OCSP_CERT_REVOKED, libtls.CRL_REASON_KEY_COMPROMISE)
is(all(ctx:peer_ocsp_response_status(), ctx:peer_ocsp_result()), 0, 'keyCompromise')
assert(ctx:peer_ocsp_revocation_time() < now)
fails(all(ctx:ocsp_process_response(given.file('later.der'))), false, 'trylater')
is(all(ctx:peer_ocsp_response_status()), libtls.OCSP_RESPONSE_TRYLATER)
fails(all(ctx:peer_ocsp_cert_status()), nil, 'does not say')
is(all(ctx:close()), true)

-- where the certificate is not verified, a staple is not believed
ctx = connected(function(cfg) cfg:insecure_noverifycert() end)
assert(ctx:handshake())
fails(all(ctx:peer_ocsp_result()), nil, 'no OCSP response')
is(all(ctx:peer_ocsp_url()), 'http://ocsp.test/')

-- a staple that is required is required: it is not passed over where nobody could have signed it
local cfg = config.new()
cfg:set_ca_file(given.path('ca.pem'))
cfg:insecure_noverifycert()
cfg:ocsp_require_stapling()
fails(all(libtls.client(cfg)), nil, 'a staple is required')
cfg:verify()
local bare = config.new()
bare:set_keypair_file(given.path('server.pem'), given.path('server.key'))
local client = assert(libtls.client(cfg))
local server = assert(assert(libtls.server(bare)):accept_socket(1))
assert(client:connect_socket(0, 'server.test'))
local ok, err, want
repeat
  ok, err, want = client:handshake()
  server:handshake()
until not want
fails(all(ok, err), false, 'certificate verification failed')
