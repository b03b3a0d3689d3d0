---@meta nlsql.keyed
--- nlsql.keyed: what only a holder of the secret can derive from a value. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.keyed
local keyed = {}

--- A new secret: 32 random bytes.
---@return string?
---@return string? message
---@return nlsql.Code? code
function keyed.secret() end

---@param secret string  32 bytes
---@return nlsql.Keyed?
---@return string? message
---@return nlsql.Code? code
function keyed.open(secret) end

---@class nlsql.Keyed : userdata
local Keyed = {}

--- Bytes that come of the secret, the domain and the value: the same each time, and unrelated to those
--- of another domain. Keyed BLAKE2b.
---@param domain string  200 bytes at most
---@param value string
---@param n integer?     1 to 64 (64)
---@return string
function Keyed:bytes(domain, value, n) end

--- The place of a number in a secret order of 0 … n-1: no two numbers share one.
---@param domain string
---@param i integer  below n
---@param n integer  1 to 2^62
---@return integer
function Keyed:permute(domain, i, n) end

--- The same, but no number keeps its place.
---@param domain string
---@param i integer  below n
---@param n integer  1 to 2^62
---@return integer
function Keyed:move(domain, i, n) end

--- Wipes the secret. May be called again.
function Keyed:close() end

return keyed
