--- One question, and a page on which its answer appears while it is given.
local client = require("ai_gateway.client")
local page = require("ai_gateway.page")

local M = {
  --- The id of the query that was answered last.
  last_query_id = nil,
}

local running = {}
local count = 0

local Answer = {}
Answer.__index = Answer

--- Write what is known below the question; a note stands under the text.
function Answer:draw(note)
  local text = self.text
  if note then
    text = (text ~= "" and text .. "\n\n" or "") .. "---\n" .. note
  end
  page.set(self.bufnr, self.first, text)
end

--- Show a piece of the text. The first one takes the place of the note that somebody answers.
function Answer:add(text)
  local is_first = self.text == ""
  self.text = self.text .. text
  if is_first then
    self:draw()
  else
    page.append(self.bufnr, text)
  end
end

--- Take in a partial result.
function Answer:hear(value)
  if value.kind == "started" and self.text == "" then
    self:draw("*" .. value.provider .. " answers …*")
  elseif value.kind == "delta" then
    self:add(value.text)
  elseif value.kind == "reset" then
    self.text = ""
    self:draw("*broke off (" .. value.reason .. "), starting over …*")
  elseif value.kind == "exit" then
    self:finish({ message = "the server has ended", data = {} })
  end
end

--- Who answered, and which files were kept from them.
local function told(result)
  local lines = { "*" .. result.byline .. "*" }
  for _, file in ipairs(result.left_out) do
    table.insert(lines, ("*left out: %s (%s)*"):format(file.path, file.reason))
  end
  return table.concat(lines, "\n")
end

--- The answer is there, or there will be none.
function Answer:finish(err, result)
  self:leave()
  if err then
    self:draw("*No answer*\n\n" .. client.words(err):gsub("; ", "\n"))
    client.complain({ message = "nobody answered; see the page" })
    return
  end
  M.last_query_id = result.query_id
  self.text = result.response
  self:draw(told(result))
end

function Answer:leave()
  client.listeners[self.token] = nil
  running[self.token] = nil
  vim.cmd("redrawstatus!")
end

function Answer:stop()
  if running[self.token] then
    self:leave()
    self.cancel()
    self:draw("*stopped*")
  end
end

--- Ask a query, whose parameters are those of `ai/query`, under this heading.
function M.ask(heading, params)
  count = count + 1
  local self = setmetatable({ token = "ai-gateway-nvim-" .. count, text = "", bufnr = page.open(heading) }, Answer)
  page.set(self.bufnr, 0, "# " .. heading:gsub("\n", "\n# ") .. "\n\n")
  self.first = vim.api.nvim_buf_line_count(self.bufnr) - 1
  self:draw("*asking …*")
  local function stop()
    self:stop()
  end
  vim.keymap.set("n", "<C-c>", stop, { buffer = self.bufnr, desc = "Stop the answer" })
  vim.api.nvim_create_autocmd("BufWipeout", { buffer = self.bufnr, once = true, callback = stop })
  running[self.token] = self
  client.listeners[self.token] = function(value)
    self:hear(value)
  end
  self.cancel = client.request(
    "ai/query",
    vim.tbl_extend("force", params, { partialResultToken = self.token }),
    function(err, result)
      if running[self.token] then
        self:finish(err, result)
      end
    end
  )
end

--- Stop every answer that is being given.
function M.stop()
  for _, token in ipairs(vim.tbl_keys(running)) do
    running[token]:stop()
  end
end

--- How many answers are being given.
function M.running()
  return vim.tbl_count(running)
end

return M
