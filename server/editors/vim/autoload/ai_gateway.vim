vim9script
# What the commands do. Requests and what the server says go through ai_gateway/server.vim.

import autoload './ai_gateway/answer.vim'
import autoload './ai_gateway/documents.vim'
import autoload './ai_gateway/page.vim'
import autoload './ai_gateway/server.vim'

# Ask a question, about these lines if there are any, and watch the answer come.
export def Ask(given: string, lines: list<number>, is_private: bool)
  const question = given != '' ? given : input('Ask: ')
  if question->trim() != ''
    const context = lines->empty() ? [] : [documents.Excerpt(lines[0], lines[1])]
    answer.Ask(question, {prompt: question, context: context, private: is_private})
  endif
enddef

# Choose from the code actions for these lines, or for what is around the cursor.
export def Actions(lines: list<number>)
  server.WhenReady(() => OfferFor(lines))
enddef

def OfferFor(lines: list<number>)
  const bufnr = bufnr()
  const start = {line: (lines->empty() ? line('.') : lines[0]) - 1, character: 0}
  const end = lines->empty() ? start : {line: lines[1] - 1, character: len(getline(lines[1]))}
  const params = {
    textDocument: {uri: documents.SyncBuffer(bufnr)},
    range: {start: start, end: end},
    context: {diagnostics: []},
  }
  server.SendRequest('textDocument/codeAction', params, (actions) => Offer(bufnr, actions ?? []))
enddef

def Offer(bufnr: number, actions: list<dict<any>>)
  const able = actions->copy()->filter((_, action) => !action->has_key('disabled'))
  if able->empty()
    server.ShowMessage(actions->empty() ? 'there is nothing to do here' : actions[0].disabled.reason)
    return
  endif
  const titles = able->mapnew((_, action) => action.title)
  server.ShowMenu('AI Gateway', titles, (choice: number) => choice < 0 ? 0 : Act(bufnr, able[choice]))
enddef

# Do one code action, which the server refuses if it was offered for another version of the buffer.
def Act(bufnr: number, action: dict<any>)
  documents.SyncBuffer(bufnr)
  const command = action->get('command', {})
  if type(command) == v:t_string
    server.Execute(command, action->get('arguments', []))
  else
    server.Execute(command.command, command->get('arguments', []))
  endif
enddef

# Run a command of the server, such as aiGateway.signIn.
export def Execute(command: string)
  server.Execute(command, [])
enddef

# Stop every answer, and whatever else the server does for this Vim.
export def Stop()
  answer.Stop()
  if server.Commands()->index('aiGateway.stop') >= 0
    server.Execute('aiGateway.stop', [])
  endif
enddef

# See which tiers can be reached now. That takes a moment if one is out, which its page says.
export def Health()
  FillHealth(page.Show('health', 'looking …'))
enddef

export def FillHealth(bufnr: number)
  server.SendRequest(
    'ai/health', {probe: true},
    (health) => TakeHealth(bufnr, health),
    (error) => page.SetPage(bufnr, 1, server.ErrorText(error)),
  )
enddef

def TakeHealth(bufnr: number, health: dict<any>)
  if health.status == 'starting'
    execute $'autocmd User AiGatewayStatus ++once ai_gateway#FillHealth({bufnr})'
  else
    page.SetPage(bufnr, 1, HealthPage(health))
  endif
enddef

def Now(provider: dict<any>): string
  if provider.reason != null
    return provider.reason
  elseif provider.reachable == false
    return "can't be reached"
  endif
  return provider.state == 'closed' ? 'ready' : provider.state
enddef

def HealthPage(health: dict<any>): string
  var lines = ['# AI Gateway: ' .. health.status, '']
  for provider in health.providers
    lines->add($'- **{provider.backend}** {provider.name} ({provider.model ?? "-"}): {Now(provider)}')
    if provider.hint != null
      lines->add('  - ' .. provider.hint)
    endif
  endfor
  return (lines + health.problems->mapnew((_, problem) => '- ' .. problem))->join("\n")
enddef

# Close the circuit breaker of a provider, or all; forget the answers that were kept, too.
export def Reset(provider: string, forgets: bool)
  const whose = provider == '' ? {} : {provider: provider}
  server.SendRequest('ai/reset', whose->extendnew({cache: forgets}), (done) => {
    server.ShowMessage('reset ' .. (done.reset->join(', ') ?? 'nothing'))
  })
enddef

# See why an answer, the last one if none is named, came from where it came from.
export def Explain(query_id: string)
  const id = query_id ?? answer.LastQueryId()
  server.SendRequest('ai/explain', id == '' ? {} : {query_id: id}, (found) => page.Show('explained', found.page))
enddef

# For the statusline: who would answer now, and … while somebody does.
export def Statusline(): string
  var status = server.Status()
  if status->empty()
    return ''
  endif
  var ready = status.providers->copy()->filter((_, each) => each.state != 'open' && each.reason == null)
  const who = ready->empty() ? 'nobody' : ready[0].name
  const work = server.IsWorking() || answer.IsRunning() ? ' …' : ''
  return 'AI ' .. who .. (status.status == 'ok' ? '' : '!') .. work
enddef

export def ProviderNames(start: string, _: string, _: number): list<string>
  var names = server.Status()->get('providers', [])->mapnew((_, each) => each.name)
  return names->filter((_, name) => stridx(name, start) == 0)
enddef

export def CommandNames(start: string, _: string, _: number): list<string>
  var names = server.Commands()->mapnew((_, name) => name->substitute('^aiGateway\.', '', ''))
  return names->filter((_, name) => stridx(name, start) == 0)
enddef
