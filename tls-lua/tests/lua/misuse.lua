-- Any call with any arguments in any order: an error at most, never a crash, never a wait for ever.
local libtls = require('libtls')
local config = require('libtls.config')
local ssl = require('lem.ssl')
local given = require('given')

local seed = 12345
local function random(n) -- the same in both Luas
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n + 1
end

local config_methods = { 'set_alpn', 'set_ca', 'set_ca_file', 'set_ca_path', 'set_cert', 'set_cert_file', 'set_ciphers', 'set_crl',
  'set_crl_file', 'set_dheparams', 'set_ecdhecurve', 'set_ecdhecurves', 'set_key', 'set_key_file', 'set_keypair',
  'set_keypair_file', 'add_keypair', 'add_keypair_file', 'set_ocsp_staple', 'set_ocsp_staple_file', 'set_protocols',
  'set_session_id', 'set_session_lifetime', 'add_ticket_key', 'set_verify_depth', 'insecure_noverifycert',
  'insecure_noverifyname', 'insecure_noverifytime', 'verify', 'verify_client', 'verify_client_optional', 'clear_keys',
  'ocsp_require_stapling', 'prefer_ciphers_client', 'prefer_ciphers_server' }
local context_methods = { 'connect_fds', 'connect_socket', 'accept_fds', 'accept_socket', 'handshake', 'close', 'reset', 'read',
  'write', 'sendfile', 'conn_alpn_selected', 'conn_cipher', 'conn_cipher_strength', 'conn_servername', 'conn_session_resumed',
  'conn_version', 'peer_cert_provided', 'peer_cert_contains_name', 'peer_cert_hash', 'peer_cert_issuer', 'peer_cert_subject',
  'peer_cert_notbefore', 'peer_cert_notafter', 'peer_cert_chain_pem', 'ocsp_process_response', 'peer_ocsp_cert_status',
  'peer_ocsp_crl_reason', 'peer_ocsp_next_update', 'peer_ocsp_response_status', 'peer_ocsp_result', 'peer_ocsp_revocation_time',
  'peer_ocsp_this_update', 'peer_ocsp_url' }

local own = config.new()
own:set_keypair_file(given.path('server.pem'), given.path('server.key'))
own:set_ca_file(given.path('ca.pem'))
local open = assert(io.open(given.path('file.bin'), 'rb'))
local shut = assert(io.open(given.path('file.bin'), 'rb'))
shut:close()
local values = { nil, true, false, 0, 1, -1, 0.5, 2 ^ 31, -2 ^ 40, 2 ^ 53, 1 / 0, 0 / 0, '', 'x', 'server.test', ('y'):rep(70000),
  '\0\255%s%n', {}, print, open, shut, own, given.file('server.pem'), given.file('server.key'), given.file('good.der'),
  given.path('ca.pem'), given.path('server.key'), 'all', 'P-256', coroutine.create(print) }
local n_values = 30

local function any() return values[random(n_values)] end

local contexts = {}
local function context()
  if #contexts > 12 then table.remove(contexts, random(#contexts)) end
  local made
  local kind = random(3)
  if kind == 1 then
    made = libtls.client(own)
  elseif kind == 2 then
    made = libtls.server(own)
  else
    local _, one = pcall(function() return assert(libtls.server(own)):accept_socket(random(2) - 1) end)
    made = one
  end
  if type(made) == 'userdata' then contexts[#contexts + 1] = made end
end

for i = 1, 20000 do
  local on, name
  local which = random(20)
  if which == 1 or #contexts == 0 then
    context()
  elseif which < 4 then
    local cfg = config.new()
    name = config_methods[random(#config_methods)]
    pcall(cfg[name], cfg, any(), any(), any())
    pcall(libtls.client, any())
    pcall(libtls.server, any())
    if random(20) == 1 then pcall(libtls.server, cfg) end
  elseif which == 4 then
    pcall(config.parse_protocols, any())
    pcall(config.load_file, any())
    pcall(ssl.newcontext, any())
  else
    on = contexts[random(#contexts)]
    name = context_methods[random(#context_methods)]
    if random(30) == 1 then
      pcall(on[name], any(), any(), any(), any()) -- on something else
    else
      local first = any()
      -- Descriptors that are not this test's would be anybody's.
      if name:find('connect') or name:find('accept') then first = random(2) - 1 end
      pcall(on[name], on, first, name:find('_fds') and random(2) - 1 or any(), any())
    end
  end
  if i % 500 == 0 then collectgarbage() end
end

-- A stream's methods on what is none.
for name, method in pairs(ssl.Stream) do
  if type(method) == 'function' then
    assert(not pcall(method), name)
    assert(not pcall(method, 5), name)
  end
end
