---@meta nlsql.text
--- nlsql.text: hashes, UTF-8, near names. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.text
local text = {}

--- Hash of a text.
---@param text string
---@return nlsql.Key
function text.key(text) end

--- The same for questions that ask the same in the same words.
---@param text string
---@return nlsql.Key
function text.question_key(text) end

--- A key as 32 hexadecimal digits.
---@param key nlsql.Key
---@return string
function text.hex(key) end

--- An empty set of keys; # gives their number.
---@return nlsql.KeySet
function text.set() end

---@param text string
---@return boolean
function text.valid_utf8(text) end

--- The text with U+FFFD for each byte that is no part of a character.
---@param text string
---@return string
function text.clean_utf8(text) end

--- The name nearest to a word, at most a third of the word (but two letters) away.
---@param word string
---@param names string[]
---@return string?
function text.nearest(word, names) end

---@class nlsql.KeySet : userdata
---@operator len: integer
local KeySet = {}

--- Adds a key; false where it is in already.
---@param key nlsql.Key
---@return boolean fresh
function KeySet:add(key) end

---@param key nlsql.Key
---@return boolean
function KeySet:has(key) end

return text
