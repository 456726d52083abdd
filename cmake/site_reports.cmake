# The reports that the web site shows, in FOLDER: a quick run of the lab (a minute of processor time)
# and a training run on drawn digits (ten seconds). What is there stays: remove the folder for new ones.
#
#   cmake -DMNIST=<program> -DNORM_LAB=<program> -DFOLDER=<folder> -P site_reports.cmake
file(MAKE_DIRECTORY ${FOLDER})
if(NOT EXISTS ${FOLDER}/norm-lab/report.html)
  execute_process(COMMAND ${NORM_LAB} run all --quick --dataset synthetic --out norm-lab
                  WORKING_DIRECTORY ${FOLDER} OUTPUT_QUIET ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()
if(NOT EXISTS ${FOLDER}/run/model.safetensors)  # written last
  execute_process(COMMAND ${MNIST} train --dataset synthetic --model lenet --epochs 2 --keep 1
                          --out run --overwrite
                  WORKING_DIRECTORY ${FOLDER} OUTPUT_QUIET ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()
