-- The module that has the others, and the choice of a backend.
local polytls = require('polytls')
local given = require('given')
local all, is, fails = given.all, given.is, given.fails

is(all(table.concat(polytls.backends(), ' ')), 'boring openssl rustls')
is(all(polytls.backend()), given.backend)
fails(all(polytls.backend('nobody')), nil, "no backend 'nobody'")
for _, name in ipairs(polytls.backends()) do
  is(all(polytls.backend(name)), name)
  is(all(polytls.backend()), name)
  local cfg = polytls.config.new()
  cfg:set_ca_file(given.path('ca.pem'))
  local stream = assert(assert(polytls.ssl.newcontext(cfg)):connect('127.0.0.1:' .. given.port))
  is(all(stream:facts().backend), name)
  is(all(stream:close()), true)
end
assert(polytls.version:match('^%d+%.%d+%.%d+$'))
assert(require('polytls.ssl') == require('lem.ssl') and polytls.ssl == require('lem.ssl'))
assert(require('polytls.config').new and require('polytls.libtls').client)
