---@meta nlsql.yaml
--- nlsql.yaml: YAML with places. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.yaml
local yaml = {}

--- Reads one document.
---@param text string
---@param name string  what complaints call it
---@return nlsql.YamlNode?
---@return string? message  "config.yaml:3:1: …"
---@return nlsql.Code? code
function yaml.read(text, name) end

---@class nlsql.YamlNode
---@field type "null"|"bool"|"int"|"float"|"string"|"list"|"map"
---@field line integer
---@field column integer
---@field value boolean|integer|number|string?  of scalars
---@field text string?      as written, of scalars
---@field items nlsql.YamlNode[]?  of lists and maps
---@field key string?       of a map's member, and where it stands
---@field key_line integer?
---@field key_column integer?

return yaml
