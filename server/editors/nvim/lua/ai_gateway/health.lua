--- `:checkhealth ai_gateway`
local M = {}

local vim_health = vim.health or require("health")
local start = vim_health.start or vim_health.report_start
local ok = vim_health.ok or vim_health.report_ok
local warn = vim_health.warn or vim_health.report_warn
local fail = vim_health.error or vim_health.report_error

local WAIT_MS = 10000

local function check_command(command)
  if vim.fn.executable(command) == 0 then
    fail(command .. " is not to be found", { "install the gateway", "or name it, if it is elsewhere: setup({ cmd = { '/path/to/ai-gateway', '--stdio' } })" })
    return false
  end
  ok(vim.trim(vim.fn.system({ command, "--version" })) .. " (" .. vim.fn.exepath(command) .. ")")
  return true
end

local function asked(client)
  local reply
  client.request("ai/health", { probe = true }, function(err, health)
    reply = { err = err, health = health }
  end)
  vim.wait(WAIT_MS, function()
    return reply ~= nil
  end, 20)
  return reply or { err = { message = "no answer in time" } }
end

local function check_tiers(client)
  local reply = asked(client)
  if reply.health and reply.health.status == "starting" then
    vim.wait(WAIT_MS, function()
      return client.status ~= nil
    end, 20)
    reply = asked(client)
  end
  if reply.err then
    fail("the server does not answer", { client.words(reply.err), "see :lua =vim.lsp.get_log_path()" })
    return
  end
  for _, provider in ipairs(reply.health.providers) do
    local name = provider.backend .. ": " .. provider.name
    if provider.reachable == true and provider.state == "closed" then
      ok(name .. " is there")
    else
      warn(name .. ": " .. (provider.reason or provider.last_error or "no answer"), { provider.hint or ":AiHealth" })
    end
  end
  for _, problem in ipairs(reply.health.problems) do
    warn(problem)
  end
end

--- Say what is installed, and which tiers can be reached.
function M.check()
  start("AI Gateway")
  local client = require("ai_gateway.client")
  local command = client.command()
  if not command then
    fail("it is not set up", { 'require("ai_gateway").setup({})' })
  elseif check_command(command) then
    check_tiers(client)
  end
end

return M
