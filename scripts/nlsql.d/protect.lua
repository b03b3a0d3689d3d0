---@meta nlsql.protect
--- nlsql.protect: values that must not leave. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.protect
local protect = {}

--- An empty set of protected values; # gives their number.
---@return nlsql.ProtectedSet
function protect.set() end

---@class nlsql.ProtectedSet : userdata
---@operator len: integer
local ProtectedSet = {}

--- Adds a value. False where it is not worth looking for: fewer than six bytes, a round number, a number
--- with a point of fewer than six digits, the first day of a month.
---@param value string
---@return boolean kept
function ProtectedSet:add(value) end

--- A text that everybody may see (the schema, a template): values that occur in it, or are one of its
--- words in any letter case, are found nowhere any more.
---@param text string
function ProtectedSet:exempt(text) end

--- A value that occurs in the text as a word of its own, byte for byte, or escaped as in JSON or SQL; of one of
--- 48 bytes or more, 47 in a row are enough.
---@param text string
---@return string? value
---@return string? found  the bytes of it that occur: all, or a piece of a long one
function ProtectedSet:find(text) end

return protect
