# Writes HEADER with the commit of the tree SOURCE, unless it says so already: nothing is compiled anew then.
# The time is that of the commit, so that builds repeat. Without git or its repository both are unknown.
cmake_minimum_required(VERSION 3.25)
set(commit unknown)
set(commit_time unknown)
if(GIT)
  # The repository has to be that of the tree, not one around it.
  cmake_path(GET SOURCE PARENT_PATH above)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env TZ=UTC GIT_CEILING_DIRECTORIES=${above}
      ${GIT} -C ${SOURCE} log -1 "--format=%H;%cd" "--date=format-local:%Y-%m-%d %I:%M:%S"
    OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(answer MATCHES "^([0-9a-f]+);(.+)$")
    set(commit ${CMAKE_MATCH_1})
    set(commit_time ${CMAKE_MATCH_2})
  endif()
endif()
set(text "#define DRAINER_REVISION \"${commit}\"\n#define DRAINER_REVISION_TIME \"${commit_time}\"\n")
set(present "")
if(EXISTS ${HEADER})
  file(READ ${HEADER} present)
endif()
if(NOT present STREQUAL text)
  file(WRITE ${HEADER} "${text}")
endif()
